"""How `artnb stylize` paints: what each of its ways takes, and what it says of a picture."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from artnb.cli.common import complain, import_tensorflow, say
from artnb.common.files import short_name


def state_beside(target: Path) -> Path:
    """Where an interrupted transfer is saved."""
    return target.with_name(f".{short_name(target.name)}.state")


class Way:
    """What is the same for all ways.

    Args:
        styles: the pictures to paint like.
        weights: how much each counts; None for all the same.
        mask: where the style belongs; None for everywhere.
        options: those of the command that say how, by name; what was not said is None or False.
        seed: of whatever is random.
    """

    def __init__(
        self,
        styles: Sequence[Path],
        weights: Sequence[float] | None,
        mask: Path | None,
        options: dict[str, Any],
        seed: int | None,
    ):
        from artnb.images import load_image

        self.styles, self.weights, self.mask, self.seed = styles, weights, mask, seed
        self.style_images = [load_image(style) for style in styles]
        self.how: dict[str, Any] = {"weights": weights, "mask": load_image(mask) if mask else None}
        self.options = {name: value for name, value in options.items() if value is not None and value is not False}

    @staticmethod
    def check(options: dict[str, Any], seed: int | None) -> None:
        """Nothing, if the options go together; known before anything is loaded.

        Raises:
            click.UsageError: they don't.
        """

    def identify(self, source: Path) -> str:
        """What distinguishes the picture that would be painted from others."""
        raise NotImplementedError

    def paint(self, source: Path, target: Path, result: dict[str, Any], resume: bool) -> None:
        """Paint one picture, save it, and add to `result` what is known of it."""
        raise NotImplementedError

    def names(self, source: Path) -> dict[str, Any]:
        """What the picture's file says of the pictures that it was painted from."""
        names = {"content": source.name, "styles": [style.name for style in self.styles]}
        return names | {"mask": self.mask and self.mask.name, "weights": self.weights}


class Transfer(Way):
    """By optimising the picture's pixels."""

    def __init__(self, *args: Any):
        import_tensorflow()
        from dataclasses import replace

        from artnb.backbones import shared_backbone
        from artnb.style.files import load_recipe
        from artnb.style.recipes import default_recipe
        from artnb.weights import fetch_command

        super().__init__(*args)
        self.options.pop("careful", None)
        like, model = self.options.pop("like", None) or (), self.options.pop("model", None)
        self.begin = _beginning(model, like, self.style_images, self.weights) if model or like else None
        name = self.options.pop("recipe", None) or self.options.pop("backbone", None)
        self.recipe = replace(load_recipe(name) if name else default_recipe(), **self.options)
        backbone = shared_backbone(self.recipe.backbone, untrained=True)  # the output says whether it is
        self.how |= {"seed": self.seed, "backbone": backbone}
        if not backbone.trained:
            command = fetch_command(self.recipe.backbone)
            complain(f"{backbone}: its weights are not here; fetch them with: {command}")

    @staticmethod
    def check(options: dict[str, Any], seed: int | None) -> None:
        """A recipe has a backbone of its own, and strokes of their own size."""
        for name in ("film", "stroke"):
            if options[name]:
                raise click.UsageError(f"To the optimiser, --{name} means nothing; paint with --model or --like.")
        if options["backbone"] and options["recipe"]:
            raise click.UsageError("A recipe has its own backbone; give --recipe or --backbone.")

    def identify(self, source: Path) -> str:
        """See `transfer_identity`."""
        from artnb.images import load_image
        from artnb.style.transfer import transfer_identity

        return transfer_identity(source, self.style_images, self.recipe, **self._how(load_image(source)))

    def paint(self, source: Path, target: Path, result: dict[str, Any], resume: bool) -> None:
        """Its state is kept beside the picture until it is finished."""
        from artnb import __version__
        from artnb.images import check_sides, load_image
        from artnb.operation import monitoring
        from artnb.style.files import save_painting
        from artnb.style.metrics import measure
        from artnb.style.transfer import stylize

        content, state = load_image(source), state_beside(target)
        longest = max(content.shape[:2])
        check_sides(target, [round(side * min(1, self.recipe.size / longest)) for side in content.shape[:2]])
        if not resume:
            state.unlink(missing_ok=True)
        painting = stylize(content, self.style_images, self.recipe, state=state, **self._how(content))
        save_painting(painting, target, optimised=True, **self.names(source))
        metrics, steps = measure(painting.image, content, self.style_images[0]), len(painting.history)
        result |= {
            "backbone": self.recipe.backbone,
            "untrained": painting.untrained,
            "iterations": steps,
            "seconds_per_step": round(painting.seconds_per_step, 4),
            "style_distance": round(metrics.style_distance, 4),
            "content_distance": round(metrics.content_distance, 4),
            "judge": metrics.judge,
            "output": str(target),
        }
        say(f"{target}: {painting.backbone}, {steps} steps of {painting.seconds_per_step:.2f} s")
        if painting.stopped:
            result["error"] = painting.stopped
            complain(f"{painting.stopped} The best picture so far is saved.")
        monitoring.record_painting(
            f"style-{self.recipe.backbone}",
            content,
            painting.image,
            lambda: 1 - metrics.style_distance,
            painting.seconds_per_step * steps,
            __version__,
            required=True,
        )

    def _how(self, content: Any) -> dict[str, Any]:
        """The arguments of `stylize`, with the fast painter's picture to begin with, if there is one."""
        if self.begin is None:
            return self.how
        from artnb.images import shrink

        return self.how | {"begin": self.begin(shrink(content, self.recipe.size))}


def _beginning(name: str | None, like: Sequence[str], styles: Sequence[Any], weights: Any) -> Callable[[Any], Any]:
    """What paints a content before it is optimised."""
    from artnb.cli.fast import painter_for

    model = painter_for(name, like)
    manner = model.manner([*like]) if like else model.manner([*styles], weights)
    return lambda content: model.brush.paint(content, manner)


class Recolouring(Way):
    """By moving colours in closed form."""

    def __init__(self, *args: Any):
        super().__init__(*args)
        self.how |= {"strength": self.options.get("strength", 1.0)}
        self.size: int | None = self.options.get("size")

    @staticmethod
    def check(options: dict[str, Any], seed: int | None) -> None:
        """There is nothing to optimise, and nothing random."""
        said = [name for name, value in options.items() if value not in (None, False)]
        said = [name for name in said if name not in ("strength", "size")] + ["seed"] * (seed is not None)
        if said:
            raise click.UsageError(f"With --colours-only, --{said[0].replace('_', '-')} means nothing; leave it out.")

    def identify(self, source: Path) -> str:
        """See `recolouring_identity`."""
        return self._identity(self._content(source))

    def paint(self, source: Path, target: Path, result: dict[str, Any], resume: bool) -> None:
        """In a second, so there is no state."""
        from artnb.images import check_sides, save_image
        from artnb.style.colours import recolour
        from artnb.style.files import in_png

        content = self._content(source)
        check_sides(target, content.shape)
        image = recolour(content, self.style_images, **self.how)
        said = {"colours_only": True, "strength": self.how["strength"], "identity": self._identity(content)}
        save_image(image, target, text=in_png(said | self.names(source)))
        result |= {"colours_only": True, "output": str(target)}
        say(f"{target}: in other colours")

    def _content(self, source: Path) -> Any:
        from artnb.images import load_image, shrink

        content = load_image(source)
        return content if self.size is None else shrink(content, self.size)

    def _identity(self, content: Any) -> str:
        from artnb.style.colours import recolouring_identity

        return recolouring_identity(content, self.style_images, **self.how)

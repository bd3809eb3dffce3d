"""How `artnb stylize` paints in a blink, and films."""

import hashlib
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from artnb.cli.common import FileError, check_apart, check_folder, check_new, complain, import_tensorflow, say
from artnb.cli.ways import Way
from artnb.common.names import plain_name
from artnb.errors import ArtnbError

if TYPE_CHECKING:
    from artnb.films import Film

ANY_STYLE = "starter-painter"  # the painter that paints like pictures, where it ships
MEANINGLESS = ("backbone", "recipe", "iterations", "careful")  # to a painter


class FastPainting(Way):
    """By a network that was trained to paint."""

    def __init__(self, *args: Any):
        import_tensorflow()
        from artnb.images import load_image

        super().__init__(*args)
        self.like: tuple[str, ...] = tuple(self.options.pop("like", ()))
        self.size: int | None = self.options.get("size")
        self.model = painter_for(self.options.get("model"), self.like)
        said = {name: self.options[name] for name in ("strength", "keep_colours", "stroke") if name in self.options}
        self.wanted = [*self.like, *self.style_images]
        self.manner = self.model.manner(self.wanted or None, self.weights, **said)
        self._said = {"painter": self.model.card.title, "like": list(self.like)} | said
        self._load = load_image

    @staticmethod
    def check(options: dict[str, Any], seed: int | None) -> None:
        """There is nothing to optimise, and nothing random."""
        said = [name for name in MEANINGLESS if options[name]] + ["seed"] * (seed is not None)
        if said:
            raise click.UsageError(f"To a fast painter, --{said[0]} means nothing; leave it out, or paint --careful.")

    def identify(self, source: Path) -> str:
        """What distinguishes the picture that would be painted from others."""
        return self._identity(self._content(source))

    def paint(self, source: Path, target: Path, result: dict[str, Any], resume: bool) -> None:
        """In a second, so there is no state."""
        import time

        from artnb.images import check_sides, save_image
        from artnb.operation import monitoring
        from artnb.style.files import in_png
        from artnb.style.inputs import mask_levels

        content, mask = self._content(source), self.how["mask"]
        check_sides(target, content.shape)
        start_time = time.perf_counter()
        image = self.model.brush.paint(content, self.manner, None if mask is None else mask_levels(mask))
        seconds = time.perf_counter() - start_time
        said = self._said | {"identity": self._identity(content)}
        save_image(image, target, text=in_png(said | self.names(source)))
        result |= {"painter": self.model.folder.name, "seconds": round(seconds, 3), "output": str(target)}
        say(f"{target}: {self.model.card.title}, {seconds:.2f} s")
        fidelity = partial(self.model.fidelity, image, content, self.wanted, self.weights)
        monitoring.record_painting(
            self.model.folder.name, content, image, fidelity, seconds, self.model.identity, required=True
        )

    def film(self, film: "Film", target: Path, result: dict[str, Any]) -> None:
        """Paint the frames of `read_checked`; to an animation, or to a folder.

        A frame that can't be read is left out of a folder; in an animation the one before it stays longer.
        """
        from artnb.common.progress import progress
        from artnb.films import write_film
        from artnb.images import ImageError, save_image
        from artnb.style.inputs import mask_levels

        mask = None if self.how["mask"] is None else mask_levels(self.how["mask"])
        files = frames_in(target, len(film))
        frames: list[Any] = []
        durations: list[int] = []
        problems = list(film.problems)
        for number, painted in progress(self.model.brush.film(film, self.manner, mask), "film", len(film), "frame"):
            if isinstance(painted, ImageError):
                older = (
                    f" {files[number].name} is of an older film; remove it." if files and files[number].exists() else ""
                )
                problems.append(f"{film.names[number]}: {painted}{older}")
                if durations:
                    durations[-1] += film.durations[number]
                continue
            durations.append(film.durations[number])
            frames.append(number if files else painted)
            if files:
                save_image(painted, files[number])
        result |= {"painter": self.model.folder.name, "frames": len(frames), "problems": problems}
        if not files:
            write_film(frames, target, durations)
        for problem in problems:
            complain(problem)
        if problems:
            result["error"] = " ".join(problems)
        result["output"] = str(target)
        say(f"{target}: {len(frames)} {'frame' if len(frames) == 1 else 'frames'}, {self.model.card.title}")

    def _content(self, source: Path) -> Any:
        from artnb.images import shrink

        content = self._load(source)
        return content if self.size is None else shrink(content, self.size)

    def _identity(self, content: Any) -> str:
        from artnb.common.resuming import digest
        from artnb.style.inputs import mask_levels

        masks = [] if self.how["mask"] is None else [mask_levels(self.how["mask"])]
        how = [self.model.identity, self._said, self.weights, len(masks), digest(content, *self.style_images, *masks)]
        return hashlib.sha256(json.dumps(how, sort_keys=True).encode()).hexdigest()


def frames_in(target: Path, number: int) -> list[Path]:
    """The files of a film's frames; none if the film is a file itself."""
    from artnb.films import FILM_SUFFIXES

    if target.suffix.lower() in FILM_SUFFIXES:
        return []
    return [target / f"{frame + 1:05d}.png" for frame in range(number)]


def read_checked(source: Path, target: Path, overwrite: bool, inputs: Sequence[Path], size: int | None) -> "Film":
    """A film, of an animation or a folder's pictures, of which it is known that its painting can be written.

    Args:
        source: the animation or the folder.
        target: an animation, or a folder for its frames.
        overwrite: whether files that are there may be replaced.
        inputs: which never are.
        size: the longer side of its frames, at most.

    Raises:
        ImageError: it can't be read, or its painting not written.
        FileError: files would be lost, or frames of two films would lie in one folder.
    """
    from artnb.films import film_of, read_film
    from artnb.images import ImageError
    from artnb.paintings.sources import pictures_in

    files = frames_in(target, 1)
    check_folder(target, "the frames of a film") if files else check_new([target], overwrite, inputs)
    check_apart(target if files else target.parent, [source])
    if source.is_dir() and not (pictures := pictures_in(source)):
        raise ImageError(f"{source.name!r} holds no pictures; name an animation, or a folder of frames.")
    film = film_of(pictures) if source.is_dir() else read_film(source)
    film.longest = size
    if not files:
        film.check(target)
        return film
    files = frames_in(target, len(film))
    check_new(files, overwrite, inputs)
    # Among new frames they would be taken for some of the same film, and a file is not ours to remove.
    if others := sorted({file.name for file in target.glob("*.png")} - {file.name for file in files}):
        raise FileError(f"{target} holds {others[0]}, which is no frame of this film; empty it, or name another (-o).")
    return film


def painter_for(name: str | None, like: Sequence[str]) -> Any:
    """The painter of a name, or the first that knows the styles.

    Raises:
        ModelError: there is none.
    """
    from artnb.cards import ModelError
    from artnb.models import list_models, load_model

    if name is None and not like:
        return load_model(ANY_STYLE, "painter")
    if name is not None:
        return load_model(name, "painter")
    wanted = set(map(plain_name, like))
    known: list[str] = []
    for entry in list_models("painter"):
        if entry.card is not None:
            if wanted <= set(map(plain_name, entry.card.styles)):
                return load_model(entry.folder, "painter")
            known += entry.card.styles
    there = f"there are {', '.join(sorted(set(known)))}" if known else "train one with `artnb train painter`"
    raise ModelError(f"No painter here paints like {' and '.join(like)}; {there}.")


def any_style_ships() -> bool:
    """Whether a painter for any style is there, which is then the default."""
    from artnb.models import find

    try:
        find(ANY_STYLE, "painter")
    except ArtnbError:
        return False
    return True

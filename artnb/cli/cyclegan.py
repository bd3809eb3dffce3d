"""`artnb train cyclegan` and `artnb monet`: photograph to Monet and back."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from artnb.cli.classification import train_commands
from artnb.cli.common import (
    ANY,
    FOLDER,
    POSITIVE,
    Model,
    answer,
    check_new,
    complain,
    finish,
    import_tensorflow,
    log_option,
    overwrite_option,
    result_names,
    resumable,
    resume_option,
    root,
    say,
    seed_option,
)


@train_commands.command("cyclegan", short_help="Photograph to Monet and back.")
@click.option("--photos", type=ANY, metavar="DIR", help="A folder of photographs. Default: the source's.")
@click.option("--paintings", type=ANY, metavar="DIR", help="A folder of paintings. Default: the source's Monets.")
@click.option("-o", "--output", type=FOLDER, metavar="DIR", help="Default: models/cyclegan under ARTNB_HOME.")
@click.option("--size", type=POSITIVE, metavar="N", help="Height and width in pixels.")
@click.option("--steps", type=POSITIVE, metavar="N", help="How many.")
@click.option("--start", type=Model(), metavar="MODEL", help="Begin a new training with its weights.")
@resume_option
@seed_option
def _train(
    photos: Path | None,
    paintings: Path | None,
    output: Path | None,
    size: int | None,
    steps: int | None,
    start: str | None,
    resume: bool,
    seed: int | None,
) -> None:
    """Train a CycleGAN on photographs and Monets, or on two folders of your own, measure it and save it."""
    from artnb.settings import settings

    if (photos is None) != (paintings is None):
        raise click.UsageError("A CycleGAN learns from two folders; give both --photos and --paintings, or neither.")
    import_tensorflow()
    from artnb.cyclegan.model import train_cyclegan
    from artnb.cyclegan.recipes import cycle_recipe
    from artnb.paintings.sources import PhotosAndMonets, load_photos_and_monets, pictures_in

    recipe = cycle_recipe()
    recipe = replace(recipe, size=size or recipe.size, steps=steps or recipe.steps)
    folder = output or settings.home / "models" / "cyclegan"
    if photos and paintings:
        pictures = PhotosAndMonets(photos.parent, "folder", pictures_in(photos), pictures_in(paintings))
    else:
        pictures = load_photos_and_monets()
    with resumable(folder):
        model = train_cyclegan(pictures, recipe, folder, seed, start, resume)
    card = model.card
    lines = [f"{card.title}, {card.steps:,} steps in {card.seconds / 60:.1f} minutes"]
    for to, metrics in card.metrics.items():
        kid = {name: metrics[name]["value"] for name in ("generated", "inputs", "real")}
        lines.append(f"to {to}: KID {kid['generated']:.4f}, inputs {kid['inputs']:.4f}, real {kid['real']:.4f}")
    answer(
        {"folder": str(model.folder), "title": card.title, "metrics": card.metrics},
        "\n".join([*lines, f"saved in {model.folder}"]),
    )


@root.command("monet")
@click.argument("model", type=Model())
@click.argument("photos", type=ANY, nargs=-1, required=True, metavar="PHOTO...")
@click.option("-o", "--output", type=FOLDER, metavar="DIR", required=True, help="For the results, as PHOTO-monet.png.")
@click.option("--to", type=click.Choice(["monet", "photo"]), default="monet", help="Default: monet.")
@overwrite_option
@log_option
def _monet(model: str, photos: tuple[Path, ...], output: Path, to: str, overwrite: bool, log: bool) -> None:
    """Turn photographs into Monets, or Monets into photographs.

    MODEL is a name of `artnb models list` (starter-monet), registry:monet-generator@champion, or a folder.
    """
    import time

    from artnb.cards import Card
    from artnb.models import find, load_model

    Card.load(find(model, "cyclegan")).require(to)  # before TensorFlow is loaded
    targets = result_names(photos, output, f"-{to}.png")
    check_new(targets, overwrite, photos)
    import_tensorflow()
    from artnb.images import ImageError, load_image, save_image
    from artnb.operation import monitoring
    from artnb.operation.store import StoreError
    from artnb.settings import settings, using

    cyclegan = load_model(model, "cyclegan")
    translate = cyclegan.translator(to)
    results: list[dict[str, Any]] = []
    stopped = False
    for photo, target in zip(photos, targets, strict=True):
        results.append({"photo": str(photo), "to": to})
        try:
            image = load_image(photo)
            start_time = time.perf_counter()
            painted = translate(image)
            seconds = time.perf_counter() - start_time
            save_image(painted, target)
            results[-1] |= {"seconds": round(seconds, 3), "output": str(target)}
            say(f"{target}: {seconds:.1f} s")
            realness = partial(cyclegan.realness, painted, to)
            with using(log=log or settings.log):
                monitoring.record_painting(
                    cyclegan.folder.name, image, painted, realness, seconds, cyclegan.identity, required=True
                )
        except (ImageError, StoreError) as error:
            results[-1]["error"] = str(error)
            complain(error)
        except KeyboardInterrupt:
            results[-1]["error"] = "stopped."
            complain("stopped.")
            stopped = True
            break
    finish(results, stopped)

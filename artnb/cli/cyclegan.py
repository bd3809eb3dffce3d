"""`artnb train cyclegan` and `artnb monet`: photograph to Monet and back."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
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
    check_apart,
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
from artnb.common.files import sha256
from artnb.errors import ArtnbError


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
@click.option("--resume", is_flag=True, help="Finish what was stopped; finished pictures stay as they are.")
@overwrite_option
@log_option
def _monet(
    model: str, photos: tuple[Path, ...], output: Path, to: str, resume: bool, overwrite: bool, log: bool
) -> None:
    """Turn photographs into Monets, or Monets into photographs.

    MODEL is a name of `artnb models list` (starter-monet), registry:monet-generator@champion, or a folder. A PHOTO
    may be a folder of them.
    """
    import time

    from artnb.cards import Card
    from artnb.models import find, load_model

    folder = find(model, "cyclegan")
    Card.load(folder).require(to)  # before TensorFlow is loaded
    sources = _photos_in(photos)
    how = f"{sha256(folder / 'card.json')} {to}"
    finished = _finished(sources, output, how) if resume else {}
    todo = [number for number in range(len(sources)) if number not in finished]
    taken = [target.name for target in finished.values()]
    targets = dict(zip(todo, result_names([sources[n] for n in todo], output, f"-{to}.png", taken), strict=True))
    check_new([*targets.values()], overwrite, sources)
    check_apart(output, photos)
    results: list[dict[str, Any]] = []
    for number, target in finished.items():
        results.append({"photo": str(sources[number]), "to": to, "output": str(target)})
        say(f"{target}: was finished before")
    if not todo:
        return finish(results)
    import_tensorflow()
    from artnb.common.pixels import rgb
    from artnb.common.progress import progress
    from artnb.images import ImageError, read_bytes, save_image, with_picture
    from artnb.operation import monitoring
    from artnb.operation.store import StoreError
    from artnb.settings import settings, using
    from artnb.style.files import in_png

    cyclegan = load_model(model, "cyclegan")
    translate = cyclegan.translator(to)
    stopped = False
    bar = progress(targets.items(), "painting", len(targets), "picture")
    for number, target in bar:
        photo = sources[number]
        results.append({"photo": str(photo), "to": to})
        try:
            data = read_bytes(photo)
            image = with_picture(photo, rgb, data)
            start_time = time.perf_counter()
            painted = translate(image)
            seconds = time.perf_counter() - start_time
            said = {"to": to, "identity": _identity(how, hashlib.sha256(data).hexdigest())}
            save_image(painted, target, text=in_png(said))
            results[-1] |= {"seconds": round(seconds, 3), "output": str(target)}
            bar.clear()
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


def _photos_in(photos: Sequence[Path]) -> list[Path]:
    """The pictures that were named, each folder's in its place.

    Raises:
        ImageError: a folder holds none.
    """
    from artnb.images import ImageError
    from artnb.paintings.sources import pictures_in

    found: list[Path] = []
    for photo in photos:
        inside = pictures_in(photo) if photo.is_dir() else (photo,)
        if not inside:
            raise ImageError(f"{photo.name!r} holds no pictures; name another folder.")
        found += inside
    return found


def _identity(how: str, digest: str) -> str:
    """What distinguishes a painted picture from others: how it was painted, and the SHA-256 of the photograph."""
    return hashlib.sha256(f"{how} {digest}".encode()).hexdigest()


def _finished(sources: Sequence[Path], output: Path, how: str) -> dict[int, Path]:
    """Which pictures an earlier run has finished, by their numbers, and where: each result says what it is of."""
    from artnb.style.files import said_by

    results: dict[str, list[Path]] = {}
    for target in sorted(output.glob("*.png")):
        with suppress(ArtnbError):  # a picture that can't be read is none of ours
            results.setdefault(str(said_by(target).get("identity")), []).append(target)
    finished: dict[int, Path] = {}
    for number, source in enumerate(sources):
        with suppress(OSError):  # one that can't be read is told when its turn comes
            if found := results.get(_identity(how, sha256(source))):
                finished[number] = found.pop(0)
    return finished

"""`artnb monet`, and the part of `artnb train` that is about the CycleGAN."""

import argparse
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from artnb.cli.common import chosen_seed, folder, print_json, without_greetings
from artnb.errors import ArtnbError


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    monet = commands.add_parser("monet", help="turn photographs into Monets, or Monets into photographs")
    monet.add_argument("photos", nargs="+", metavar="PHOTO")
    monet.add_argument("-o", "--output", type=folder, metavar="DIR", required=True)
    monet.add_argument("--model", default="starter-monet", help="default: starter-monet")
    monet.add_argument("--to", choices=("monet", "photo"), default="monet", help="default: monet")
    monet.add_argument("--json", action="store_true", help="for programs")
    monet.set_defaults(run=_monet)


def run_train(chosen: argparse.Namespace) -> None:
    """`artnb train cyclegan`."""
    from artnb.settings import settings

    with without_greetings():
        from artnb.cyclegan.model import train_cyclegan
        from artnb.cyclegan.recipes import cycle_recipe
        from artnb.paintings.sources import PhotosAndMonets, load_photos_and_monets, pictures_in
    changes = {name: value for name in ("size", "steps") if (value := getattr(chosen, name)) is not None}
    recipe = replace(cycle_recipe(), **changes)
    output = Path(chosen.output or settings.home / "models" / "cyclegan")
    if chosen.photos or chosen.paintings:
        if not (chosen.photos and chosen.paintings):
            raise ArtnbError("A CycleGAN learns from two folders; give both --photos and --paintings, or neither.")
        folders = pictures_in(chosen.photos), pictures_in(chosen.paintings)
        pictures = PhotosAndMonets(Path(chosen.photos).parent, "folder", *folders)
    else:
        pictures = load_photos_and_monets()
    try:
        model = train_cyclegan(pictures, recipe, output, chosen_seed(chosen), chosen.start, chosen.resume)
    except KeyboardInterrupt:
        print(f"artnb: stopped; the same command with --resume resumes {output}.", file=sys.stderr)
        raise SystemExit(130) from None
    if chosen.json:
        print_json({"folder": str(model.folder), "title": model.card.title} | model.card.metrics)
        return
    print(f"{model.card.title}, {model.card.steps:,} steps in {model.card.seconds / 60:.1f} minutes")
    for to, metrics in model.card.metrics.items():
        kid = {name: metrics[name]["value"] for name in ("generated", "inputs", "real")}
        print(f"to {to}: KID {kid['generated']:.4f}, inputs {kid['inputs']:.4f}, real {kid['real']:.4f}")
    print(f"saved in {model.folder}")


def _monet(chosen: argparse.Namespace) -> None:
    import time

    with without_greetings():
        from artnb.cards import Card
        from artnb.models import find, load_model

        Card.load(find(chosen.model, "cyclegan")).require(chosen.to)  # before TensorFlow is loaded

        from artnb.images import ImageError, load_image, save_image
        from artnb.operation import monitoring

        model = load_model(chosen.model, "cyclegan")
        translate = model.translator(chosen.to)
    answers: list[dict[str, Any]] = []
    for name in chosen.photos:
        target = Path(chosen.output) / f"{Path(name).stem}-{chosen.to}.png"
        try:
            image = load_image(name)
            start_time = time.perf_counter()
            painted = translate(image)
            seconds = time.perf_counter() - start_time
            save_image(painted, target)
            realness = partial(model.realness, painted, chosen.to)
            monitoring.record_painting(model.folder.name, image, painted, realness, seconds, model.identity)
        except ImageError as error:
            answers.append({"photo": name, "error": str(error)})
            print(f"artnb: {error}", file=sys.stderr)
            continue
        answers.append({"photo": name, "to": chosen.to, "seconds": round(seconds, 3), "output": str(target)})
        if not chosen.json:
            print(f"{target}: {seconds:.1f} s")
    if chosen.json:
        print_json(answers)
    if any("error" in answer for answer in answers):
        raise SystemExit(1)

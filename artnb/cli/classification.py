"""`artnb train | evaluate | predict | search | models`: who painted this?"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from artnb.cli import cyclegan
from artnb.cli.common import (
    add_search_arguments,
    add_seed_argument,
    chosen_seed,
    folder,
    positive,
    print_json,
    usual_split,
    without_greetings,
)
from artnb.errors import ArtnbError

JSON = {"action": "store_true", "help": "for programs"}


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the commands to the parser."""
    train = commands.add_parser("train", help="train a model, measure it and save it")
    train.add_argument(
        "model", help="cnn, cnn-original, resnet50, vgg19, efficientnet-lite0, one with -original, or cyclegan"
    )
    train.add_argument("--split", metavar="FILE", help="a table of `artnb collection split` (default: make it)")
    train.add_argument("-o", "--output", type=folder, metavar="DIR", help="default: models/MODEL under ARTNB_HOME")
    train.add_argument("--search", metavar="DIR", help="with the best settings that `artnb search -o DIR` found")
    train.add_argument("--epochs", type=positive, metavar="N", help="at most, in each phase")
    train.add_argument("--folds", type=positive, metavar="K", help="K models for a K-fold cross-validation")
    train.add_argument("--resume", action="store_true", help="go on with the training in DIR")
    train.add_argument("--photos", metavar="DIR", help="cyclegan: a folder of photographs")
    train.add_argument("--paintings", metavar="DIR", help="cyclegan: a folder of paintings")
    train.add_argument("--size", type=positive, metavar="N", help="cyclegan: height and width in pixels")
    train.add_argument("--steps", type=positive, metavar="N", help="cyclegan: how many")
    train.add_argument("--start", metavar="MODEL", help="cyclegan: go on from its weights, as a new training")
    train.set_defaults(run=_train)

    search = commands.add_parser("search", help="search for settings of a CNN")
    search.add_argument("space", help="original or ours")
    search.add_argument("--split", metavar="FILE", help="a table of `artnb collection split` (default: make it)")
    search.add_argument(
        "-o", "--output", type=folder, metavar="DIR", required=True, help="goes on with what lies there"
    )
    search.add_argument("--method", choices=("random", "bayesian", "hyperband"), help="default: the space's own")
    add_search_arguments(search)
    search.set_defaults(run=_search)

    evaluate = commands.add_parser("evaluate", help="measure a model on pictures that it was not trained on")
    evaluate.add_argument("model", help="a name, or the folder of a model")
    evaluate.add_argument("--split", metavar="FILE", help="default: the one that the model was trained on")
    evaluate.add_argument("--subset", choices=("train", "validation", "test"), default="test", help="default: test")
    evaluate.add_argument("--folder", metavar="DIR", help="pictures in one folder per artist, in place of a split")
    evaluate.set_defaults(run=_evaluate)

    predict = commands.add_parser("predict", help="name the artists of pictures")
    predict.add_argument("model", help="a name (starter), or the folder of a model")
    predict.add_argument("images", nargs="+", metavar="IMAGE")
    predict.add_argument("--log", action="store_true", help="note the answers, as ARTNB_LOG=1 does (see artnb monitor)")
    predict.set_defaults(run=_predict)

    models = commands.add_parser("models", help="list the models that have a name")
    models.set_defaults(run=_models)
    for command in (train, search):
        add_seed_argument(command)
    for command in (train, search, evaluate, predict, models):
        command.add_argument("--json", **JSON)


def _split(chosen: argparse.Namespace) -> tuple[Any, Any, Any]:
    """The collection, the table that was asked for or the usual one, and the audit if it was needed for that."""
    from artnb.paintings.sources import load_collection
    from artnb.paintings.splits import load_split

    if chosen.split:
        return load_collection(), load_split(chosen.split), None
    return usual_split()


def _train(chosen: argparse.Namespace) -> None:
    from artnb.settings import settings

    only_for = ("split", "search", "epochs", "folds"), ("photos", "paintings", "size", "steps", "start")
    if wrong := [name for name in only_for[chosen.model != "cyclegan"] if getattr(chosen, name)]:
        raise ArtnbError(f"--{wrong[0]} says nothing to {chosen.model}; leave it out.")
    if chosen.model == "cyclegan":
        cyclegan.train(chosen)
        return

    with without_greetings():
        from artnb.classification import bundles, validation
        from artnb.classification.recipes import recipe
        from artnb.classification.tuning import winner
    wanted = winner(chosen.model, chosen.search) if chosen.search else recipe(chosen.model)
    if chosen.epochs:
        wanted = wanted.shortened(chosen.epochs)
    start = chosen_seed(chosen)
    output = Path(chosen.output or settings.home / "models" / chosen.model)
    if chosen.folds and chosen.split:
        raise ArtnbError("A cross-validation makes its own splits; give --folds or --split.")
    collection, table, found = _split(chosen)
    try:
        if chosen.folds:
            result = validation.cross_validate(
                wanted, collection, table, found.duplicates, chosen.folds, output, start, chosen.resume
            )
            print_json(result.to_dict("list")) if chosen.json else print(validation.report(result))
            return
        bundle = bundles.make(wanted, collection, table, output, start, chosen.resume)
    except KeyboardInterrupt:
        print(f"artnb: stopped; the same command with --resume goes on with {output}.", file=sys.stderr)
        raise SystemExit(130) from None
    card = bundle.card
    if chosen.json:
        print_json({"folder": str(bundle.folder), "title": card.title, "untrained": card.untrained} | card.metrics)
    else:
        rows = "\n".join(f"{name:11}{row['accuracy']:.1%} of {row['n']:,}" for name, row in card.metrics.items())
        print(
            f"{card.title}, {card.epochs} epochs in {card.seconds / 60:.1f} minutes\n{rows}\nsaved in {bundle.folder}"
        )


def _search(chosen: argparse.Namespace) -> None:

    with without_greetings():
        from artnb import searching
        from artnb.classification import tuning
        from artnb.classification.recipes import recipe
        from artnb.paintings.pipeline import load_pictures
    space = tuning.space(chosen.space)
    base = recipe(space.network)
    data = None
    if not chosen.chief or chosen.worker:  # the chief trains nothing
        collection, table, _ = _split(chosen)
        data = load_pictures(collection, table, base.size, base.train_size)
    start = chosen_seed(chosen)
    with searching.distributed(chosen.chief, chosen.worker, chosen.minutes):
        table = tuning.search(space, data, chosen.output, start, chosen.method, chosen.trials)
    if chosen.json:
        print_json(table.to_dict("records"))
    else:
        print(table.to_string(index=False))


def _evaluate(chosen: argparse.Namespace) -> None:
    with without_greetings():
        from artnb.classification import validation
        from artnb.classification.predictor import Predictor
    from artnb.paintings.sources import load_collection
    from artnb.paintings.splits import load_split

    with without_greetings():
        predictor = Predictor(chosen.model)
    if chosen.folder:
        found, skipped = validation.evaluate_folder(predictor, chosen.folder)
        for sentence in skipped:
            print(f"artnb: {sentence}", file=sys.stderr)
    else:
        table = load_split(chosen.split) if chosen.split else None
        found = validation.evaluate_split(predictor, load_collection(), table, chosen.subset)
    if chosen.json:
        print_json(found.to_dict() | {"model": predictor.card.title, "untrained": predictor.card.untrained})
    else:
        print(f"{predictor.card.title}: {found.report()}")


def _predict(chosen: argparse.Namespace) -> None:
    with without_greetings():
        from artnb.classification.predictor import Predictor
        from artnb.images import ImageError
        from artnb.operation import monitoring
        from artnb.settings import settings

        predictor = Predictor(chosen.model)
    if chosen.log:
        settings = replace(settings, log=True)
    answers: list[dict[str, Any]] = []
    for image in chosen.images:
        try:
            prediction = monitoring.predict(predictor, image, settings=settings)
        except ImageError as error:
            answers.append({"image": image, "error": str(error)})
            if not chosen.json:
                print(f"artnb: {error}", file=sys.stderr)
            continue
        answers.append({"image": image} | prediction.to_dict())
        if not chosen.json:
            print(f"{image}: {prediction}")
            for artist, probability in prediction.ranked[1:3]:
                print(f"    {artist} ({probability:.1%})")
    if chosen.json:
        print_json(answers)
    if any("error" in answer for answer in answers):
        raise SystemExit(1)


def _models(chosen: argparse.Namespace) -> None:
    with without_greetings():
        from artnb import models
        from artnb.classification import bundles

    cards = {folder.name: bundles.Card.load(folder) for folder in models.available("classifier")}
    if chosen.json:
        print_json([{"name": name, "title": card.title} | card.metrics["test"] for name, card in cards.items()])
    else:
        print(
            "\n".join(f"{name:24}{card.label}" for name, card in cards.items()) or "none yet; see: artnb train --help"
        )

"""`artnb train | evaluate | predict | search | models`: who painted this?"""

import argparse
import sys
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
    train.add_argument("--resume", action="store_true", help="resume the training in DIR")
    train.add_argument("--photos", metavar="DIR", help="cyclegan: a folder of photographs")
    train.add_argument("--paintings", metavar="DIR", help="cyclegan: a folder of paintings")
    train.add_argument("--size", type=positive, metavar="N", help="cyclegan: height and width in pixels")
    train.add_argument("--steps", type=positive, metavar="N", help="cyclegan: how many")
    train.add_argument("--start", metavar="MODEL", help="cyclegan: a new training that begins with its weights")
    train.set_defaults(run=_train)

    search = commands.add_parser("search", help="search for settings of a CNN")
    search.add_argument("space", help="original or ours")
    search.add_argument("--split", metavar="FILE", help="a table of `artnb collection split` (default: make it)")
    search.add_argument("-o", "--output", type=folder, metavar="DIR", required=True, help="a search in DIR is resumed")
    search.add_argument("--method", choices=("random", "bayesian", "hyperband"), help="default: that of the space")
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
    predict.add_argument("--log", action="store_true", help="log the answers, as ARTNB_LOG=1 does (see artnb monitor)")
    predict.set_defaults(run=_predict)

    models = commands.add_parser("models", help="list all models that have a name, including damaged ones")
    models.set_defaults(run=_models)
    for command in (train, search):
        add_seed_argument(command)
    for command in (train, search, evaluate, predict, models):
        command.add_argument("--json", **JSON)


def _split(chosen: argparse.Namespace) -> tuple[Any, Any, Any]:
    """The collection, its split, and what `prepare` returned (None if the split is a file)."""
    from artnb.paintings.preparation import prepare
    from artnb.paintings.sources import load_collection
    from artnb.paintings.splits import load_split, require

    if not chosen.split:
        prepared = prepare()
        return prepared.collection, prepared.table, prepared
    table = load_split(chosen.split)
    require(table)
    return load_collection(), table, None


def _train(chosen: argparse.Namespace) -> None:
    from artnb.settings import settings

    only_for = ("split", "search", "epochs", "folds"), ("photos", "paintings", "size", "steps", "start")
    if wrong := [name for name in only_for[chosen.model != "cyclegan"] if getattr(chosen, name)]:
        raise ArtnbError(f"--{wrong[0]} is not an option of {chosen.model}; leave it out.")
    if chosen.model == "cyclegan":
        cyclegan.run_train(chosen)
        return

    with without_greetings():
        from artnb.classification import validation
        from artnb.classification.model import train_classifier
        from artnb.classification.recipes import classifier_recipe

        if chosen.search:
            from artnb.classification.search import winner
    recipe = winner(chosen.model, chosen.search) if chosen.search else classifier_recipe(chosen.model)
    if chosen.epochs:
        recipe = recipe.shortened(chosen.epochs)
    seed = chosen_seed(chosen)
    output = Path(chosen.output or settings.home / "models" / chosen.model)
    if chosen.folds and chosen.split:
        raise ArtnbError("A cross-validation makes its own splits; give --folds or --split.")
    collection, table, prepared = _split(chosen)
    try:
        if chosen.folds:
            result = validation.cross_validate(recipe, prepared, chosen.folds, output, seed, chosen.resume)
            print_json(result.to_dict("list")) if chosen.json else print(validation.folds_report(result))
            return
        model = train_classifier(recipe, collection, table, output, seed, chosen.resume)
    except KeyboardInterrupt:
        print(f"artnb: stopped; the same command with --resume resumes {output}.", file=sys.stderr)
        raise SystemExit(130) from None
    card = model.card
    if chosen.json:
        print_json({"folder": str(model.folder), "title": card.title, "untrained": card.untrained} | card.metrics)
    else:
        rows = "\n".join(f"{name:11}{row['accuracy']:.1%} of {row['n']:,}" for name, row in card.metrics.items())
        print(f"{card.title}, {card.epochs} epochs in {card.seconds / 60:.1f} minutes\n{rows}\nsaved in {model.folder}")


def _search(chosen: argparse.Namespace) -> None:
    with without_greetings():
        from artnb.classification.recipes import classifier_recipe
        from artnb.classification.search import classifier_space, search_classifier
        from artnb.common import searching
        from artnb.paintings.pipeline import load_pictures
    space = classifier_space(chosen.space)
    base = classifier_recipe(space.network)
    data = None
    if not chosen.chief or chosen.worker:  # the chief trains nothing
        collection, table, _ = _split(chosen)
        data = load_pictures(collection, table, base.size, base.train_size)
    seed = chosen_seed(chosen)
    with searching.distributed(chosen.chief, chosen.worker, chosen.minutes):
        table = search_classifier(space, data, chosen.output, seed, chosen.method, chosen.trials)
    if chosen.json:
        print_json(table.to_dict("records"))
    else:
        print(table.to_string(index=False))


def _evaluate(chosen: argparse.Namespace) -> None:
    with without_greetings():
        from artnb.classification import validation
        from artnb.models import load_model
    from artnb.paintings.sources import load_collection
    from artnb.paintings.splits import load_split

    with without_greetings():
        model = load_model(chosen.model, "classifier")
    if chosen.folder:
        result, skipped = validation.evaluate_folder(model, chosen.folder)
        for sentence in skipped:
            print(f"artnb: {sentence}", file=sys.stderr)
    else:
        table = load_split(chosen.split) if chosen.split else None
        result = validation.evaluate_split(model, load_collection(), table, chosen.subset)
    if chosen.json:
        print_json(result.to_dict() | {"model": model.card.title, "untrained": model.card.untrained})
    else:
        print(f"{model.card.title}: {result.report()}")


def _predict(chosen: argparse.Namespace) -> None:
    with without_greetings():
        from artnb.images import ImageError
        from artnb.models import load_model
        from artnb.operation import monitoring
        from artnb.settings import settings, using

        model = load_model(chosen.model, "classifier")
    answers: list[dict[str, Any]] = []
    for image in chosen.images:
        try:
            with using(log=chosen.log or settings.log):
                prediction = monitoring.predict_and_log(model, image)
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
    from artnb.models import list_models

    entries = list_models()
    if chosen.json:
        print_json([{"name": each.name, "problem": each.problem} | _about(each.card) for each in entries])
        return
    rows = [f"{each.name:36}{each.card.label if each.card else f'damaged: {each.problem}'}" for each in entries]
    print("\n".join(rows) or "none yet; see: artnb train --help")


def _about(card: Any) -> dict[str, Any]:
    if card is None:
        return {}
    return {"kind": card.kind, "title": card.title} | (card.metrics["test"] if card.kind == "classifier" else {})

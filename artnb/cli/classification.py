"""`artnb train | search classifier | evaluate | predict`: who painted this?"""

from pathlib import Path
from typing import Any, Literal

import click

from artnb.cli.common import (
    ANY,
    FOLDER,
    POSITIVE,
    Model,
    answer,
    complain,
    finish,
    import_tensorflow,
    log_option,
    resumable,
    resumable_search,
    resume_option,
    root,
    say,
    search_options,
    seed_option,
)
from artnb.weights import TITLES

BACKBONES = tuple(TITLES)
NETWORKS = {  # what `classifier_recipe` takes, and the list of commands says of it
    "cnn": "Our own network.",
    "cnn-original": "The original's own network.",
    **dict.fromkeys(BACKBONES, "Transfer learning."),
    **{f"{name}-original": "Transfer learning, the original's two phases." for name in BACKBONES},
}

_mirrored_option = click.option(
    "--mirrored", is_flag=True, help="Ask about mirror images, too, and say the mean, in twice the time."
)
_split_option = click.option(
    "--split", type=ANY, metavar="FILE", help="A table of `artnb paintings split`. Default: make it."
)


@root.group("train")
def train_commands() -> None:
    """Train a model, measure it and save it."""


@root.group("search")
def search_commands() -> None:
    """Search for better settings; a search in DIR is resumed."""


def _add_training(network: str) -> None:
    """Add the command that trains one network; they have the same options."""

    @train_commands.command(network, short_help=NETWORKS[network])
    @_split_option
    @click.option("-o", "--output", type=FOLDER, metavar="DIR", help="Default: models/NETWORK under ARTNB_HOME.")
    @click.option("--search", "searched", type=ANY, metavar="DIR", help="A search, whose best settings are taken.")
    @click.option("--epochs", type=POSITIVE, metavar="N", help="At most, in each phase.")
    @click.option("--folds", type=POSITIVE, metavar="K", help="K models for a K-fold cross-validation.")
    @resume_option
    @seed_option
    def _train(**options: Any) -> None:
        """Train a classifier, measure it on the test paintings and save it."""
        _train_classifier(network, **options)


for _network in NETWORKS:
    _add_training(_network)


def _train_classifier(
    network: str,
    split: Path | None,
    output: Path | None,
    searched: Path | None,
    epochs: int | None,
    folds: int | None,
    resume: bool,
    seed: int | None,
) -> None:
    from artnb.settings import settings

    if folds and split:
        raise click.UsageError("A cross-validation makes its own splits; give --folds or --split.")
    import_tensorflow()
    from artnb.classification import validation
    from artnb.classification.model import train_classifier
    from artnb.classification.recipes import classifier_recipe

    if searched:  # a training without it needs no keras-tuner
        from artnb.classification.search import winner

        recipe = winner(network, searched)
    else:
        recipe = classifier_recipe(network)
    if epochs:
        recipe = recipe.shortened(epochs)
    folder = output or settings.home / "models" / network
    collection, table, prepared = _prepared(split)
    with resumable(folder):
        if folds:
            result = validation.cross_validate(recipe, prepared, folds, folder, seed, resume)
            answer({"results": result.to_dict("records")}, validation.folds_report(result))
            return
        whole = prepared.whole if prepared else ""
        model = train_classifier(recipe, collection, table, folder, seed, resume, whole=whole)
    card = model.card
    rows = "\n".join(f"{name:11}{row['accuracy']:.1%} of {row['n']:,}" for name, row in card.metrics.items())
    answer(
        {"folder": str(model.folder), "title": card.title, "untrained": card.untrained, "metrics": card.metrics},
        f"{card.title}, {card.epochs} epochs in {card.seconds / 60:.1f} minutes\n{rows}\nsaved in {model.folder}",
    )


@search_commands.command("classifier")
@click.argument("space", type=click.Choice(["original", "ours"]))
@_split_option
@click.option("-o", "--output", type=FOLDER, metavar="DIR", required=True, help="Of the search.")
@click.option(
    "--method",
    type=click.Choice(["random", "bayesian", "hyperband"]),
    help="Default: that of the space.",
)
@search_options
@seed_option
def _search(
    space: str,
    split: Path | None,
    output: Path,
    method: Literal["random", "bayesian", "hyperband"] | None,
    trials: int | None,
    chief: str | None,
    worker: str | None,
    minutes: int | None,
    seed: int | None,
) -> None:
    """Search for the settings of a CNN, in the original's space or in ours."""
    import_tensorflow()
    from artnb.classification.recipes import classifier_recipe
    from artnb.classification.search import classifier_space, search_classifier
    from artnb.common import searching
    from artnb.paintings.pipeline import load_pictures

    space_ = classifier_space(space)
    base = classifier_recipe(space_.network)
    data = None
    if not chief or worker:  # the chief trains nothing
        collection, table, _ = _prepared(split)
        data = load_pictures(collection, table, base.size)
    with resumable_search(output), searching.distributed(chief, worker, minutes):
        found = search_classifier(space_, data, output, seed, method, trials)
    answer({"results": found.to_dict("records")}, found.to_string(index=False))


@root.command("evaluate")
@click.argument("model", type=Model())
@click.option("--split", type=ANY, metavar="FILE", help="Default: the one that the model was trained on.")
@click.option("--subset", type=click.Choice(["train", "validation", "test"]), help="Of the split. Default: test.")
@click.option("--folder", type=ANY, metavar="DIR", help="Pictures in one folder per artist, in place of a split.")
@click.option(
    "--crops",
    type=click.Choice(["whole", "quarters"]),
    default="whole",
    help="What is shown of each picture: quarters are five parts, corners and centre. Default: whole.",
)
@_mirrored_option
def _evaluate(
    model: str, split: Path | None, subset: str | None, folder: Path | None, crops: str, mirrored: bool
) -> None:
    """Measure a classifier on pictures that it was not trained on."""
    if folder and split:
        raise click.UsageError("A folder of pictures has no split; give --folder or --split.")
    if folder and subset:
        raise click.UsageError("A folder of pictures has no subsets; give --folder or --subset.")
    import_tensorflow()
    from artnb.classification import validation
    from artnb.models import load_model
    from artnb.paintings.sources import load_collection
    from artnb.paintings.splits import load_split

    classifier = load_model(model, "classifier")
    skipped: list[str] = []
    if folder:
        result, skipped = validation.evaluate_folder(classifier, folder, crops, mirrored)
        for sentence in skipped:
            complain(sentence)
    else:
        table = load_split(split) if split else None
        result = validation.evaluate_split(classifier, load_collection(), table, subset or "test", crops, mirrored)
    card = classifier.card
    of_model = {"model": card.title, "name": classifier.folder.name, "untrained": card.untrained}
    shown = None if folder else subset or "test"
    if shown == "train":
        complain("The model was trained on these pictures, so the figure flatters it; leave --subset train away.")
    how = {"subset": shown, "crops": crops, "mirrored": mirrored, "paintings": result.paintings, "skipped": skipped}
    of_them = {None: "", "test": " (test)", "validation": " (validation)", "train": " (training)"}[shown]
    also = ", mirror images, too" * mirrored
    answer(
        result.to_dict() | how | of_model,
        f"{card.title}{of_them}{also}: {result.report(validation.SHOWN.get(crops, ''))}",
    )


@root.command("predict")
@click.argument("model", type=Model())
@click.argument("pictures", type=ANY, nargs=-1, required=True, metavar="PICTURE...")
@click.option("-o", "--output", type=FOLDER, metavar="DIR", help="For a folder of pictures: the answers, as Parquet.")
@resume_option
@_mirrored_option
@log_option
def _predict(
    model: str, pictures: tuple[Path, ...], output: Path | None, resume: bool, mirrored: bool, log: bool
) -> None:
    """Name the artists of pictures.

    MODEL is a name of `artnb models list` (starter), registry:champion, or a folder. PICTURE may be one folder, with
    all folders in it, of any size: then the answers are written to DIR, a row a picture.
    """
    if output or (len(pictures) == 1 and pictures[0].is_dir()):
        if log or mirrored or not output or len(pictures) > 1 or not pictures[0].is_dir():
            raise click.UsageError(
                "For a folder of pictures, give one FOLDER and -o DIR, without --log and --mirrored."
            )
        return _process(model, pictures[0], output, "predict", resume)
    if resume:
        raise click.UsageError("Only a folder of pictures with -o DIR can be resumed; leave --resume out.")
    import_tensorflow()
    from artnb.images import ImageError
    from artnb.models import load_model
    from artnb.operation import monitoring
    from artnb.operation.store import StoreError
    from artnb.settings import settings, using

    classifier = load_model(model, "classifier")
    results: list[dict[str, Any]] = []
    stopped = False
    with using(log=log or settings.log):
        for picture in pictures:
            try:
                prediction = monitoring.predict_and_log(classifier, picture, required=True, mirrored=mirrored)
            except (ImageError, StoreError) as error:
                results.append({"picture": str(picture), "error": str(error)})
                complain(error)
                continue
            except KeyboardInterrupt:
                results.append({"picture": str(picture), "error": "stopped."})
                complain("stopped.")
                stopped = True
                break
            results.append({"picture": str(picture)} | prediction.to_dict())
            more = (f"\n    {artist} ({probability:.1%})" for artist, probability in prediction.ranked[1:3])
            say(f"{picture}: {prediction}{''.join(more)}")
    finish(results, stopped)


@root.command("embed")
@click.argument("model", type=Model())
@click.argument("folder", type=FOLDER)
@click.option("-o", "--output", type=FOLDER, metavar="DIR", required=True, help="For the vectors, as Parquet.")
@resume_option
def _embed(model: str, folder: Path, output: Path, resume: bool) -> None:
    """Embed the pictures of a folder, each as a vector.

    FOLDER is looked through with all folders in it; a vector is what a classifier sees.
    """
    _process(model, folder, output, "embed", resume)


def _process(model: str, folder: Path, output: Path, job: Literal["predict", "embed"], resume: bool) -> None:
    import_tensorflow()
    from artnb.classification.museum import process_folder
    from artnb.models import load_model

    with resumable(output):
        report = process_folder(load_model(model, "classifier"), folder, output, job, resume)
    answer({**vars(report), "output": str(report.output)}, str(report))
    if report.broken or report.unreadable:
        raise click.exceptions.Exit(1)


def _prepared(split: Path | None) -> tuple[Any, Any, Any]:
    """The collection, its split, and what `prepare` returned (None if the split is a file)."""
    from artnb.paintings.preparation import prepare
    from artnb.paintings.sources import load_collection
    from artnb.paintings.splits import load_split, require

    if split:
        table, prepared = load_split(split), None
        require(table)
        collection = load_collection()
    else:
        prepared = prepare()
        collection, table = prepared.collection, prepared.table
    for note in collection.notes:
        complain(note)
    return collection, table, prepared

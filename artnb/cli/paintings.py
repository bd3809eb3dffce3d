"""`artnb paintings audit | split | similar`: the collection."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from artnb import __version__
from artnb.cli.common import (
    ANY,
    NEW_FILE,
    POSITIVE,
    answer,
    as_json,
    check_new,
    complain,
    echo,
    import_tensorflow,
    overwrite_option,
    resumable,
    root,
    seed_option,
)

if TYPE_CHECKING:
    import numpy as np


@root.group("paintings")
def _paintings() -> None:
    """Audit and split the paintings, and find similar ones."""


@_paintings.command("audit")
def _audit() -> None:
    """Find unreadable, duplicated and near-duplicated files."""
    from artnb.paintings.preparation import load_audit
    from artnb.paintings.sources import load_collection

    collection = load_collection()
    audit = load_audit(collection)
    unreadable = [f"  {path}: {audit.reasons[path]}" for path in audit.unreadable]
    text = "\n".join([audit.report(), *(["Unreadable:"] if unreadable else []), *unreadable, *collection.notes])
    answer(audit.to_dict() | {"notes": list(collection.notes)}, text)


@_paintings.command("split")
@click.option(
    "--min-paintings",
    type=POSITIVE,
    metavar="N",
    help="Leave out artists with fewer; 20 or more. Default: ARTNB_MIN_PAINTINGS, or what leaves eleven artists.",
)
@seed_option
@click.option("-o", "--output", type=NEW_FILE, metavar="FILE", help="The table as CSV. Default: to standard output.")
@overwrite_option
def _split(min_paintings: int | None, seed: int | None, output: Path | None, overwrite: bool) -> None:
    """Split the paintings into train, validation and test.

    No painting is in two of them, also not as another photograph of it.
    """
    from artnb.paintings import splits
    from artnb.paintings.preparation import prepare

    if output:
        check_new([output], overwrite)
    prepared = prepare(min_paintings, seed)
    for note in prepared.collection.notes:
        complain(note)
    table = prepared.table
    artists = table["artist"].nunique()
    subsets = table["subset"].value_counts().reindex(splits.SUBSETS).to_dict()
    if output:
        check_new([output], True, [prepared.collection.root / path for path in prepared.collection.paintings["path"]])
        splits.save_split(table, output)
    elif not as_json():
        # As UTF-8 whatever the terminal's encoding: it is a file that will be read again.
        echo(str(table.to_csv(index=False)).rstrip("\n").encode("utf-8", "surrogateescape"))
        return
    counts = {"artists": artists, "paintings": len(table), "groups": table["group"].nunique()}
    sizes = ", ".join(f"{count:,} {subset}" for subset, count in subsets.items())
    answer(
        counts | {"subsets": subsets, "digest": splits.split_digest(table), "output": output and str(output)},
        f"{len(table):,} paintings by {artists} artists: {sizes}; written to {output}",
    )


@_paintings.command("similar")
@click.argument("picture", type=ANY)
@click.option(
    "--embeddings",
    type=ANY,
    metavar="DIR",
    help="What `artnb embed` wrote. Default: of the paintings in use, made with starter the first time.",
)
@click.option("-n", "--number", type=POSITIVE, default=5, metavar="N", help="How many. Default: 5.")
@click.option("--across", is_flag=True, help="One work of each artist only.")
def _similar(picture: Path, embeddings: Path | None, number: int, across: bool) -> None:
    """Find the works that are most similar to a picture.

    A picture that is among the works is known by its bytes; any other one is embedded by the model of the embeddings.
    """
    import hashlib

    from artnb.images import read_bytes
    from artnb.paintings.neighbours import Neighbours

    data = read_bytes(picture)
    neighbours = Neighbours.read(embeddings or _own_embeddings())
    digest = hashlib.sha256(data).hexdigest()
    vector = neighbours.vector(digest)
    if vector is None:
        vector = _embedded(data, neighbours.about)
    found = neighbours.similar(vector, number, digest, across)
    if embeddings is None:  # as the splits and the audit call them
        found = found.assign(path="images/" + found["path"])
    lines = [f"{row.similarity:6.3f}  {row.path} ({row.artist})" for row in found.itertuples()]
    answer({"picture": str(picture), "similar": found.round(6).to_dict("records")}, "\n".join(lines))


def _own_embeddings() -> Path:
    """The embeddings of the paintings in use, made or brought up to date."""
    import hashlib

    import_tensorflow()
    from artnb.classification.museum import process_folder
    from artnb.models import load_model
    from artnb.paintings.sources import load_collection
    from artnb.settings import settings

    model, root = load_model("starter", "classifier"), load_collection().root
    parts = f"{root.resolve()}\0{model.identity}\0{__version__}"
    name = hashlib.sha256(parts.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    output = settings.home / "embeddings" / name
    with resumable(output):
        process_folder(model, root / "images", output, "embed", resume=True)
    return output


def _embedded(data: bytes, about: dict[str, str]) -> "np.ndarray":
    """The vector of a picture, by the model that made the others.

    Raises:
        ModelError: it isn't here.
    """
    from artnb.cards import ModelError
    from artnb.models import find, identity, load_model

    name = about.get("model")
    if not isinstance(name, str):
        raise ModelError("The embeddings don't say which model made them: only a picture among them can be compared.")
    if identity(find(name, "classifier")) != about.get("model_sha256"):
        raise ModelError(f"The embeddings were made with another model than {name!r} is now; embed the works again.")
    import_tensorflow()
    return load_model(name, "classifier")(data).embedding

"""`artnb paintings audit | split`: the collection."""

from pathlib import Path

import click

from artnb.cli.common import (
    NEW_FILE,
    POSITIVE,
    answer,
    as_json,
    check_new,
    complain,
    echo,
    overwrite_option,
    root,
    seed_option,
)


@root.group("paintings")
def _paintings() -> None:
    """Audit and split the paintings."""


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

"""`artnb collection audit | split`: the paintings."""

import argparse
import sys

from artnb.cli.common import add_seed_argument, chosen_seed, file, positive, print_json


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the commands to the parser."""
    collection = commands.add_parser("collection", help="audit and split the paintings")
    jobs = collection.add_subparsers(required=True, metavar="COMMAND")
    audit = jobs.add_parser("audit", help="find unreadable, duplicated and near-duplicated files")
    audit.set_defaults(run=_audit)
    split = jobs.add_parser("split", help="split into train, validation and test, each painting in only one of them")
    split.add_argument(
        "--min-paintings",
        type=positive,
        metavar="N",
        help="leave out artists with fewer; 20 or more (default: ARTNB_MIN_PAINTINGS, or 200 in the archive and 60 in "
        "the studio, which leaves eleven artists)",
    )
    add_seed_argument(split)
    split.add_argument("-o", "--output", type=file, metavar="FILE", help="the table as CSV (default: to stdout)")
    split.set_defaults(run=_split)
    for command in (audit, split):
        command.add_argument("--json", action="store_true", help="for programs")


def _audit(chosen: argparse.Namespace) -> None:
    from artnb.paintings.preparation import load_audit
    from artnb.paintings.sources import load_collection

    audit = load_audit(load_collection())
    if chosen.json:
        print_json(audit.to_dict())
    else:
        print(audit.report())


def _split(chosen: argparse.Namespace) -> None:
    from artnb.paintings import splits
    from artnb.paintings.preparation import prepare

    table = prepare(chosen.min_paintings, chosen_seed(chosen)).table
    artists = table["artist"].nunique()
    subsets = table["subset"].value_counts().reindex(splits.SUBSETS).to_dict()
    if chosen.output:
        splits.save_split(table, chosen.output)
    if chosen.json:
        counts = {"artists": artists, "paintings": len(table), "groups": table["group"].nunique()}
        print_json(counts | {"subsets": subsets, "digest": splits.split_digest(table)})
    elif chosen.output:
        sizes = ", ".join(f"{count:,} {subset}" for subset, count in subsets.items())
        print(f"{len(table):,} paintings by {artists} artists: {sizes}; written to {chosen.output}")
    else:
        table.to_csv(sys.stdout, index=False)

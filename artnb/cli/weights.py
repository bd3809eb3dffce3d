"""`artnb weights list | get`: the ImageNet weights of the networks."""

from dataclasses import asdict
from pathlib import Path

import click

from artnb.cli.common import FOLDER, answer, root
from artnb.common.downloads import megabytes
from artnb.weights import WEIGHTS, fetch_command, get_weights, list_weights


@root.group("weights")
def _weights() -> None:
    """List and fetch the ImageNet weights."""


@_weights.command("list")
def _list() -> None:
    """List the networks, their files, sizes and licences, and where they are on this machine."""
    rows = list_weights()
    lines = [
        f"{row.name:20}{megabytes(row.size) if row.size else '-':>8}  {row.licence:12}"
        + (f"{row.path}{'' if row.fits else ' (damaged)'}" if row.path else "not here")
        for row in rows
    ]
    if published := [row.name for row in rows if row.address and not row.fits]:
        lines.append(f"fetch them with: {fetch_command(*published)}")
    for row in rows:
        if not row.address and not row.fits:
            lines.append(f"install {row.name} with: {fetch_command(row.name, again=bool(row.path))}")
    answer(
        {"results": [asdict(row) | {"path": row.path and str(row.path)} for row in rows]},
        "\n".join(lines),
    )


@_weights.command("get")
@click.argument("networks", type=click.Choice(list(WEIGHTS)), nargs=-1, required=True, metavar="NETWORK...")
@click.option("-o", "--output", type=FOLDER, metavar="DIR", help="Default: ARTNB_WEIGHTS, or the Keras cache.")
def _get(networks: tuple[str, ...], output: Path | None) -> None:
    """Fetch the weights of networks from where they are published, and check them.

    NETWORK is vgg19, resnet50, efficientnet-lite0 or inceptionv3. The same command resumes what was stopped.
    """
    files = get_weights(networks, output)
    answer(
        {"results": [{"name": name, "path": str(file)} for name, file in zip(networks, files, strict=True)]},
        "\n".join(map(str, files)),
    )

"""`artnb demo`: the pages, served by Voilà."""

import click

from artnb.cli.common import POSITIVE, ServerCommand, root


@root.command("demo", cls=ServerCommand)
@click.option(
    "--ip",
    default="127.0.0.1",
    metavar="ADDRESS",
    help="Listen on this address, so that other machines can connect; visitors then need the address that is printed, "
    "with its token. Default: this machine only.",
)
@click.option(
    "--port", type=click.IntRange(1, 2**16 - 1), default=8866, metavar="N", help="Default: 8866, or the next free one."
)
@click.option(
    "--allow-host", multiple=True, metavar="NAME", help="Accept this host name, too, such as a proxy's. Repeatable."
)
@click.option("--no-token", is_flag=True, help="Let in everybody who can reach the address.")
@click.option(
    "--kernels",
    type=POSITIVE,
    metavar="N",
    help="Open pages at once, including those kept ready. Default: as many as the free memory allows.",
)
@click.option("--cold", is_flag=True, help="Keep no kernels ready: saves 2 GB of memory, but pages open more slowly.")
def _demo(ip: str, port: int, allow_host: tuple[str, ...], no_token: bool, kernels: int | None, cold: bool) -> None:
    """Serve the interactive pages, for a browser."""
    from artnb.widgets.server import launch, server_config

    config = server_config(ip, port, not cold, kernels, not no_token, list(allow_host))
    click.echo(f"artnb: at most {config['Rooms']['limit']} kernels at once (--kernels N)")
    launch(config)

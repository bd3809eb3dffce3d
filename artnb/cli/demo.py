"""`artnb demo`: the pages, served by Voilà."""

import argparse

from artnb.cli.common import count, positive


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    demo = commands.add_parser("demo", help="serve the interactive pages, for a browser")
    demo.add_argument(
        "--ip",
        default="127.0.0.1",
        help="listen on this address, so that other machines can connect; visitors then need the address that is "
        "printed, with its token (default: this machine only)",
    )
    demo.add_argument("--port", type=count, default=8866, metavar="N", help="default: 8866, or the next free one")
    demo.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="accept this host name, too, such as a proxy's",
    )
    demo.add_argument("--no-token", action="store_true", help="let in everybody who can reach the address")
    demo.add_argument(
        "--kernels",
        type=positive,
        metavar="N",
        help="open pages at once, including those kept ready (default: as many as the free memory allows)",
    )
    demo.add_argument(
        "--cold", action="store_true", help="keep no kernels ready: saves 2 GB of memory, but pages open more slowly"
    )
    demo.set_defaults(run=_demo)


def _demo(chosen: argparse.Namespace) -> None:
    from artnb.widgets.server import launch, server_config

    config = server_config(
        chosen.ip, chosen.port, not chosen.cold, chosen.kernels, not chosen.no_token, chosen.allow_host
    )
    print(f"artnb: at most {config['Rooms']['limit']} kernels at once (--kernels N)", flush=True)
    launch(config)

"""`artnb demo`: the pages, served by Voilà."""

import argparse
import os

from artnb.cli.common import count, positive


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    demo = commands.add_parser("demo", help="serve the pages to play with, in a browser")
    demo.add_argument(
        "--ip",
        default="127.0.0.1",
        help="listen on this address, not on this machine only; visitors then need the address that is printed, "
        "with its token",
    )
    demo.add_argument("--port", type=count, default=8866, metavar="N", help="default: 8866, or the next free one")
    demo.add_argument(
        "--allow-host", action="append", default=[], metavar="NAME", help="answer to this name, too: that of a proxy"
    )
    demo.add_argument("--no-token", action="store_true", help="let everybody in who reaches the address")
    demo.add_argument(
        "--kernels",
        type=positive,
        metavar="N",
        help="visitors at once, with those pages that wait (default: as many as the free memory allows)",
    )
    demo.add_argument(
        "--cold", action="store_true", help="let no kernels wait with TensorFlow loaded: 2 GB less, slower pages"
    )
    demo.set_defaults(run=_demo)


def _demo(chosen: argparse.Namespace) -> None:
    from traitlets.config import Config

    from artnb.course import NOTEBOOKS, CourseError
    from artnb.widgets.parts import TEMPLATES
    from artnb.widgets.server import Gallery, settings

    pages = NOTEBOOKS / "apps"
    if not pages.is_dir():
        raise CourseError("The pages are not here; they are served from the course's own checkout.")
    # Where Voilà looks for templates, and what its kernels inherit.
    os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, [str(TEMPLATES), os.environ.get("JUPYTER_PATH")]))
    told = settings(chosen.ip, chosen.port, not chosen.cold, chosen.kernels, not chosen.no_token, chosen.allow_host)
    print(f"artnb: room for {told['Rooms']['limit']} kernels at once (--kernels N)", flush=True)
    Gallery.launch_instance([str(pages)], config=Config(told))

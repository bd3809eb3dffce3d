"""`artnb demo`: the pages, served by Voilà."""

import argparse
import os
from typing import Any

from artnb.cli.common import count


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    demo = commands.add_parser("demo", help="serve the pages to play with, in a browser")
    demo.add_argument(
        "--ip",
        default="127.0.0.1",
        help="listen on this address, not on this machine only; put a login before it",
    )
    demo.add_argument("--port", type=count, default=8866, metavar="N", help="default: 8866, or the next free one")
    demo.add_argument(
        "--cold", action="store_true", help="let no kernels wait with TensorFlow loaded: 2 GB less, slower pages"
    )
    demo.set_defaults(run=_demo)


def _demo(chosen: argparse.Namespace) -> None:
    from traitlets.config import Config
    from voila.app import Voila

    from artnb.course import NOTEBOOKS, CourseError
    from artnb.widgets.parts import TEMPLATES

    pages = NOTEBOOKS / "apps"
    if not pages.is_dir():
        raise CourseError("The pages are not here; they are served from the course's own checkout.")
    # Where Voilà looks for templates, and what its kernels inherit.
    os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, [str(TEMPLATES), os.environ.get("JUPYTER_PATH")]))
    Voila.launch_instance([str(pages)], config=Config(settings(chosen.ip, chosen.port, not chosen.cold)))


def settings(ip: str, port: int, preheat: bool) -> dict[str, dict[str, Any]]:
    """What Voilà is told; its documentation says what else there is."""
    from artnb.images import MAX_BYTES

    return {
        "Voila": {
            "ip": ip,
            "port": port,
            "open_browser": False,
            "tornado_settings": {
                # An upload is one message. Half as much again, so that a file above the limit arrives, too, and is
                # refused with a sentence.
                "websocket_max_message_size": MAX_BYTES * 3 // 2,
                # A page that is closed asks for its kernel's end, but Voilà forgets the token that would allow it.
                # Nothing else is asked for in this way, and nobody can guess the name of another one's kernel.
                "disable_check_xsrf": True,
            },
        },
        "VoilaConfiguration": {
            "template": "artnb",
            "allow_template_override": "NO",
            "allow_theme_override": "NO",
            "classic_tree": True,  # the start page: tree.html of our template
            "strip_sources": True,
            "show_tracebacks": False,
            "file_allowlist": [],
            "extension_allowlist": ["@jupyter-widgets/jupyterlab-manager", "@voila-dashboards/widgets-manager8"],
            # One kernel for each page waits with TensorFlow loaded, so that a page opens in a moment.
            "preheat_kernel": preheat,
            "default_pool_size": 1,
        },
        # A browser that is killed cannot say that a page is closed; then nobody is connected to its kernel.
        "MappingKernelManager": {"cull_idle_timeout": 60, "cull_interval": 20, "cull_busy": True},
    }

"""The server of the pages: Voilà, with checks of whatever strangers send.

`door` checks every request, `messages` every message to a kernel, and `inputs` every value in the kernel; `kernels`
limits the number of kernels and ends them.
"""

import os
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from artnb.common import extras
from artnb.images import MAX_BYTES

with extras.needed("pages", "The pages need"):
    from jupyter_server.auth.logout import LogoutHandler
    from jupyter_server.base.handlers import JupyterHandler
    from jupyter_server.utils import url_path_join
    from tornado.httputil import HTTPServerRequest
    from tornado.web import HTTPError, authenticated
    from traitlets import Set, Unicode
    from traitlets.config import Config
    from voila.app import Voila
    from voila.handler import BaseVoilaHandler
    from voila.request_info_handler import RequestInfoSocketHandler
    from voila.static_file_handler import AllowListFileHandler, TemplateStaticFileHandler
    from voila.tornado.contentshandler import VoilaContentsHandler
    from voila.tornado.handler import TornadoVoilaHandler
    from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler

    from artnb.widgets.door import RETRY, Refused, SafeHeaders, is_loopback, own_names, refusal
    from artnb.widgets.kernels import TICK, Rooms, free_memory, kernels_for
    from artnb.widgets.messages import JSON_BYTES, Socket
    from artnb.widgets.parts import TEMPLATES
    from artnb.widgets.visitors import COOKIE, DAYS, checked_token

APPS = Path(__file__).with_name("apps")  # the notebooks that are served


class Alive(JupyterHandler):
    """Tells a page whether its kernel runs; the request also shows that the page is open."""

    @authenticated
    async def get(self, kernel_id: str) -> None:
        """Respond with 204 if it runs, otherwise with 404."""
        self.set_header("Cache-Control", "no-store")
        rooms: Any = self.kernel_manager
        if not await rooms.lives(kernel_id):
            self.set_status(404)
            return
        rooms.heard_of(kernel_id)
        self.set_status(204)


class Page(TornadoVoilaHandler):
    """A page, if a kernel is free for it."""

    @authenticated
    async def get(self, path: str | None = None) -> None:
        """Respond with the page, or with an error page that tries again."""
        self.kernel_manager.admit()
        self.set_cookie(
            COOKIE,
            checked_token(self.get_cookie(COOKIE)),
            expires_days=DAYS,
            path=self.base_url,
            httponly=True,
            samesite="Lax",
            secure=self.request.protocol == "https",
        )
        await super().get(path)


class Nowhere(BaseVoilaHandler):
    """Any address that leads nowhere."""

    async def prepare(self) -> None:  # type: ignore[override]
        """Respond with the error page, whatever the method is.

        Raises:
            HTTPError: 404.
        """
        await super().prepare()
        if not self._finished:  # it was redirected to the page that asks for the token
            raise HTTPError(404)


class StaticFile(TemplateStaticFileHandler):
    """A template's script, style sheet or picture."""

    async def get(self, path: str, include_body: bool = True) -> None:
        """Respond with the file, or with 404 for any path that Voilà can't make sense of."""
        try:
            await super().get(path, include_body)
        except (ValueError, AssertionError, UnboundLocalError) as error:  # no template, no `static`, a zero byte
            raise HTTPError(404) from error


class Channels(VoilaKernelWebsocketHandler):
    """The web socket of a page."""

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Send no error page; nothing would show it."""
        self.finish()


class Gallery(Voila):
    """Voilà with the checks of `door`."""

    name = Unicode("voila")
    allowed_hosts = Set(Unicode(), help="Host names that requests may use, besides the server's own.").tag(config=True)

    def init_settings(self) -> dict[str, Any]:
        """Add our headers to Voilà's settings, and what error.html shows."""
        ours = {
            "transforms": [SafeHeaders],
            "jinja_template_vars": {"retry": RETRY},
            "default_handler_class": Nowhere,
            "default_handler_args": {"voila_configuration": self.voila_configuration},
        }
        return super().init_settings() | ours

    def init_handlers(self) -> list[Any]:
        """Remove Voilà's handlers that our pages don't need, and add ours."""
        unneeded = (RequestInfoSocketHandler, AllowListFileHandler, VoilaContentsHandler, LogoutHandler)
        handlers = [handler for handler in super().init_handlers() if handler[1] not in unneeded]
        ours = {
            TornadoVoilaHandler: Page,
            VoilaKernelWebsocketHandler: Channels,
            TemplateStaticFileHandler: StaticFile,
        }
        handlers = [(path, ours.get(handler, handler), *options) for path, handler, *options in handlers]
        return [(url_path_join(self.server_url, r"/artnb/alive/([\w-]{36})"), Alive), *handlers]

    def listen(self) -> None:
        """Check each request before a handler sees it, and listen."""
        names = own_names(self.ip, self.allowed_hosts)
        find: Callable[..., Any] = self.app.find_handler

        def checked(request: HTTPServerRequest, **options: Any) -> Any:
            if refused := refusal(request, names, self.server_url):
                status, reason = refused
                return self.app.get_handler_delegate(request, Refused, {"status": status, "reason": reason})
            if not _is_text(request.path):
                return self.app.get_handler_delegate(request, Nowhere, self.app.settings["default_handler_args"])
            return find(request, **options)

        self.app.find_handler = checked
        # Pages send no bodies; Firefox sends a web socket's message, such as an upload, in one piece.
        limits = {"max_body_size": JSON_BYTES, "body_timeout": 10, "max_buffer_size": MAX_BYTES + 2 * JSON_BYTES}
        # Only a proxy on this machine can reach a loopback address, and it says whose requests it hands on.
        self.app.listen = partial(self.app.listen, xheaders=is_loopback(self.ip), **limits)
        super().listen()


def _is_text(path: str) -> bool:
    """Whether a path holds characters only; handlers fail on half a character, a zero byte or a line's end."""
    try:
        return unquote(path, errors="strict").isprintable()
    except UnicodeDecodeError:
        return False


def launch(config: dict[str, dict[str, Any]]) -> None:
    """Serve the pages until Ctrl-C.

    Args:
        config: what `server_config` returned.
    """
    # Voilà searches here for its templates, and its kernels inherit the variable.
    os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, [str(TEMPLATES), os.environ.get("JUPYTER_PATH")]))
    Gallery.launch_instance([str(APPS)], config=Config(config))


def server_config(
    ip: str,
    port: int,
    preheat: bool,
    kernels: int | None = None,
    token: bool = True,
    allowed_hosts: Collection[str] = (),
) -> dict[str, dict[str, Any]]:
    """The server's configuration; Voilà's documentation explains the options.

    Args:
        ip: the address to listen on.
        port: to listen on; if it is in use, the next free one.
        preheat: keep a started kernel waiting for each page.
        kernels: at most; by default as many as the free memory allows.
        token: require a token, unless the address is loopback.
        allowed_hosts: host names that requests may use besides the server's own, such as that of a proxy.
    """
    return {
        "Voila": {
            "ip": ip,
            "port": port,
            "open_browser": False,
            "auto_token": token and not is_loopback(ip),
            "kernel_websocket_connection_class": Socket,
            "tornado_settings": {
                # An upload is one message; the browser refuses a larger file before it sends it.
                "websocket_max_message_size": MAX_BYTES + JSON_BYTES,
                # A closed page asks to end its kernel, but Voilà's page doesn't send the XSRF token for it.
                # `refusal` checks where a request comes from, and nobody can guess the id of another page's kernel.
                "disable_check_xsrf": True,
            },
        },
        "Gallery": {"allowed_hosts": set(allowed_hosts)},
        "VoilaConfiguration": {
            "template": "artnb",
            "allow_template_override": "NO",
            "allow_theme_override": "NO",
            "classic_tree": True,  # the start page: tree.html of our template
            "strip_sources": True,
            "show_tracebacks": False,
            "file_allowlist": [],
            "extension_allowlist": ["@jupyter-widgets/jupyterlab-manager", "@voila-dashboards/widgets-manager8"],
            # One kernel for each page waits with TensorFlow loaded, so that pages open quickly.
            "preheat_kernel": preheat,
            "default_pool_size": 1,
            "multi_kernel_manager_class": Rooms,
        },
        # On a busy machine outputs come late; a page without those that were not waited for would stay empty.
        "VoilaExecutor": {"iopub_timeout": 60},
        "Rooms": {"limit": kernels_for(free_memory()) if kernels is None else kernels},
        "MappingKernelManager": {
            "cull_idle_timeout": 1,  # turns culling on; `Rooms` decides which kernels are ended
            "cull_interval": TICK,
            "allow_tracebacks": False,
            "buffer_offline_messages": False,  # a page requests all states when it connects again
        },
        "KernelManager": {"autorestart": False},  # a new kernel would have none of the page's widgets
    }

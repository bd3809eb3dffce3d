"""The server of the pages: Voilà, and what it leaves to others. Whoever sends something here is a stranger.

`door` looks at every request, `messages` at every message to a kernel, `kernels` counts the kernels and ends them.
What a widget takes is checked in the kernel, see `inputs`.
"""

from collections.abc import Callable, Collection
from functools import partial
from typing import Any

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from tornado.httputil import HTTPServerRequest
from tornado.web import authenticated
from traitlets import Set, Unicode
from voila.app import Voila
from voila.request_info_handler import RequestInfoSocketHandler
from voila.static_file_handler import AllowListFileHandler
from voila.tornado.contentshandler import VoilaContentsHandler
from voila.tornado.handler import TornadoVoilaHandler
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler

from artnb.images import MAX_BYTES
from artnb.widgets.door import Refused, SafeHeaders, is_loopback, own_names, refusal
from artnb.widgets.kernels import TICK, Rooms, free_memory, kernels_for
from artnb.widgets.messages import JSON_BYTES, Socket


class Alive(JupyterHandler):
    """Says a page whether its kernel is still there, by which it is known that the page is."""

    @authenticated
    async def get(self, kernel_id: str) -> None:
        """204 if it is, 404 if not."""
        self.set_header("Cache-Control", "no-store")
        rooms: Any = self.kernel_manager
        if not await rooms.lives(kernel_id):
            self.set_status(404)
            return
        rooms.heard_of(kernel_id)
        self.set_status(204)


class Page(TornadoVoilaHandler):
    """A page, if there is room for its visitor."""

    @authenticated
    async def get(self, path: str | None = None) -> None:
        """The page, or one that tries again."""
        self.kernel_manager.admit()
        await super().get(path)


class Channels(VoilaKernelWebsocketHandler):
    """The web socket of a page."""

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """No page: nobody would see it."""
        self.finish()


class Gallery(Voila):
    """Voilà with a door."""

    name = Unicode("voila")
    allowed_hosts = Set(Unicode(), help="Names by which the server is asked, besides its own.").tag(config=True)

    def init_settings(self) -> dict[str, Any]:
        """Voilà's, and our headers."""
        return {**super().init_settings(), "transforms": [SafeHeaders]}

    def init_handlers(self) -> list[Any]:
        """Voilà's without what our pages don't need, and the sign of life."""
        unneeded = (RequestInfoSocketHandler, AllowListFileHandler, VoilaContentsHandler)
        handlers = [handler for handler in super().init_handlers() if handler[1] not in unneeded]
        ours = {TornadoVoilaHandler: Page, VoilaKernelWebsocketHandler: Channels}
        handlers = [(path, ours.get(what, what), *more) for path, what, *more in handlers]
        return [(url_path_join(self.server_url, r"/artnb/alive/([\w-]{36})"), Alive), *handlers]

    def listen(self) -> None:
        """Put the door before the handlers, and begin."""
        names = own_names(self.ip, self.allowed_hosts)
        find: Callable[..., Any] = self.app.find_handler

        def door(request: HTTPServerRequest, **more: Any) -> Any:
            refused = refusal(request, names, self.server_url)
            if refused:
                status, said = refused
                return self.app.get_handler_delegate(request, Refused, {"status": status, "said": said})
            return find(request, **more)

        self.app.find_handler = door
        # Nobody sends a body here, and a web socket's message may come in one piece, as Firefox sends it.
        limits = {"max_body_size": JSON_BYTES, "body_timeout": 10, "max_buffer_size": MAX_BYTES + 2 * JSON_BYTES}
        self.app.listen = partial(self.app.listen, **limits)
        super().listen()


def settings(
    ip: str,
    port: int,
    preheat: bool,
    kernels: int | None = None,
    token: bool = True,
    allowed_hosts: Collection[str] = (),
) -> dict[str, dict[str, Any]]:
    """What the server is told; Voilà's documentation says what else there is.

    Args:
        ip: the address to listen on.
        port: or the next free one.
        preheat: let a kernel wait for each page.
        kernels: at most; by default as many as the free memory allows.
        token: on another address than loopback, ask for a token.
        allowed_hosts: names that a proxy hands on.
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
                # A page that is closed asks for its kernel's end, but Voilà forgets the token that would allow it.
                # `refusal` looks where a request comes from, and nobody can guess the name of another one's kernel.
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
            # One kernel for each page waits with TensorFlow loaded, so that a page opens in a moment.
            "preheat_kernel": preheat,
            "default_pool_size": 1,
            "multi_kernel_manager_class": Rooms,
        },
        "Rooms": {"limit": kernels_for(free_memory()) if kernels is None else kernels},
        "MappingKernelManager": {
            "cull_idle_timeout": 1,  # what turns the looks at all kernels on; `Rooms` says which are ended
            "cull_interval": TICK,
            "allow_tracebacks": False,
            "buffer_offline_messages": False,  # a page asks for all states when it comes back
        },
        "KernelManager": {"autorestart": False},  # a new kernel would know nothing of the page
    }

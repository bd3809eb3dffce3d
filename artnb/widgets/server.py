"""The server of the pages: Voilà, and what it leaves to others. Whoever sends something here is a stranger.

`refusal` looks at every request, `Socket` at every message to a kernel, `Rooms` counts the kernels and ends them.
What a widget takes is checked in the kernel, see `inputs`.
"""

import json
import re
import socket
import time
import weakref
from collections.abc import Callable, Collection
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psutil
from jupyter_core.utils import ensure_async
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.services.kernels.connection.base import deserialize_msg_from_ws_v1
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from jupyter_server.utils import url_path_join
from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.iostream import StreamBufferFullError
from tornado.web import HTTPError, OutputTransform, RequestHandler, authenticated
from traitlets import Int, Set, Unicode
from voila.app import Voila
from voila.request_info_handler import RequestInfoSocketHandler
from voila.static_file_handler import AllowListFileHandler
from voila.tornado.contentshandler import VoilaContentsHandler
from voila.tornado.handler import TornadoVoilaHandler
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler
from voila.utils import ENV_VARIABLE

from artnb.images import MAX_BYTES

ROOM = 1800 * 1024**2  # bytes that a kernel comes to need: 750 MB at rest, 1,800 when it has painted 768 pixels
RESERVE = 2 * 1024**3  # bytes for the server, and for all else on the machine
OPENING = 4  # kernels at most whose page was not heard of yet: a crawler gets no more
ALONE = 30  # seconds without a sign of its page after which a kernel is ended
IDLE = 3600  # seconds in which nothing was done on an open page
TICK = 5  # seconds between two looks at all kernels
JSON_BYTES = 64 * 1024  # of a message without its pictures; a page sends a few hundred
PARTS = 16  # of a message
STATES, ALL = 2000, 50  # of widgets that a page may ask for in a minute; so much counts the question for all of them
SOCKETS = 4  # connections to one kernel
UNREAD = 64 * 1024**2  # bytes that are kept for a page that does not read them
SESSION = re.compile(r"[\w-]{1,64}")

HEADERS = {
    # Voilà's page has scripts inside, and JupyterLab's settings are checked by code that is compiled there.
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def is_loopback(ip: str) -> bool:
    """Whether a server that listens on this address can be reached from this machine only."""
    return ip == "localhost" or (_is_address(ip) and ip_address(ip).is_loopback)


def _is_address(text: str) -> bool:
    try:
        return bool(ip_address(text))
    except ValueError:
        return False


def own_names(ip: str, others: Collection[str] = ()) -> set[str]:
    """What the server is called by those who may ask it: its address, its name, and those that were allowed."""
    names = {"localhost", "127.0.0.1", "::1", *(name.lower() for name in others)}
    if is_loopback(ip):
        return names | {ip}
    addresses = {ip}
    if ip == "" or (_is_address(ip) and ip_address(ip).is_unspecified):
        found = [address.address for of_one in psutil.net_if_addrs().values() for address in of_one]
        addresses = {address.partition("%")[0] for address in found if _is_address(address.partition("%")[0])}
    host = socket.gethostname().lower()
    return names | {address.lower() for address in addresses} | {host, f"{host}.local"}


def refusal(request: HTTPServerRequest, names: Collection[str], start: str) -> tuple[int, str] | None:
    """Why a request is not answered, as a status and a sentence; None if it is.

    By DNS rebinding any web site can make its name lead here, so only our own names are answered. And what a page of
    another site asks for starts nothing: it can be a link to our pages, which leads to the start page, and no more.

    Args:
        request: what came.
        names: see `own_names`.
        start: the path of the start page.
    """
    host = _host(request.host)
    if host not in names:
        known = ", ".join(sorted(names))
        return 403, f"This server answers to its own names only ({known}); start it with --allow-host to add another."
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    if origin is not None and _netloc(origin) != request.host.lower():
        return 403, "This request comes from a page of another site."
    if site is None and (referer := request.headers.get("Referer")):  # an old browser
        site = "same-origin" if _netloc(referer) == request.host.lower() else "cross-site"
    if site in (None, "same-origin", "none"):
        return None
    followed = request.headers.get("Sec-Fetch-Mode"), request.headers.get("Sec-Fetch-Dest")
    if request.method != "GET" or followed != ("navigate", "document"):
        return 403, "This request comes from a page of another site."
    return None if request.path == start or request.path.startswith(url_path_join(start, "login")) else (303, start)


def _host(header: str) -> str:
    """`[::1]:8866` -> `::1`; empty if it is none."""
    try:
        return (urlsplit(f"//{header}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _netloc(address: str) -> str:
    """`http://a:1/b` -> `a:1`; empty if it is none."""
    try:
        return urlsplit(address).netloc.lower()
    except ValueError:
        return ""


class Refused(RequestHandler):
    """Answers a request that was refused."""

    def initialize(self, status: int, said: str) -> None:
        """Take what `refusal` said."""
        self._status, self._said = status, said

    def prepare(self) -> None:
        """End it here, whatever the method is."""
        if self._status == 303:
            self.redirect(self._said, status=303)
            return
        self.set_status(self._status)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(self._said)

    def data_received(self, chunk: bytes) -> None:
        """Nothing that is sent along is looked at."""


class SafeHeaders(OutputTransform):
    """Adds `HEADERS` to every answer, whoever gives it."""

    def __init__(self, request: HTTPServerRequest):
        pass

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        """Called by Tornado before anything is sent."""
        for name, value in HEADERS.items():
            headers[name] = value
        if status_code == 503:
            headers["Retry-After"] = str(TICK)
        return status_code, headers, chunk


def kernels_for(memory: int) -> int:
    """How many kernels there may be at once if so many bytes are free."""
    return max(1, (memory - RESERVE) // ROOM)


def free_memory() -> int:
    """Bytes that are free on this machine, or in this container if that has a limit (cgroup v2)."""
    free = psutil.virtual_memory().available
    group = Path("/sys/fs/cgroup")
    try:
        limit, used = ((group / name).read_text().strip() for name in ("memory.max", "memory.current"))
        cached = re.search(r"^inactive_file (\d+)$", (group / "memory.stat").read_text(), re.M)
    except OSError:
        return free
    if not limit.isdigit():
        return free
    return min(free, int(limit) - int(used) + (int(cached[1]) if cached else 0))


class Rooms(AsyncMappingKernelManager):
    """Kernels: a visitor has one, not more than there is memory for, and none is left alone for long.

    Voilà makes the class of its kernel manager from this one. Its pools hold kernels that wait for a visitor; they
    count, too, and the one that waits is given up when a visitor of another page needs the room.
    """

    limit = Int(1, help="Kernels at most, those that wait included.").tag(config=True)

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self._opened: dict[str, float] = {}  # kernel -> when it was given to a page
        self._heard: dict[str, float] = {}  # kernel -> when its page was last heard of
        self._claimed: set[str] = set()  # kernels whose page was heard of at all
        self._sockets: dict[str, weakref.WeakSet[Socket]] = {}
        self._budgets: dict[tuple[str, str], Budget] = {}
        self._starting: set[str] = set()
        self._warming: set[str] = set()  # those of them that nobody waits for

    def heard_of(self, kernel_id: str) -> None:
        """The page of this kernel gave a sign of life."""
        self._heard[kernel_id] = time.monotonic()
        self._opened.setdefault(kernel_id, self._heard[kernel_id])
        self._claimed.add(kernel_id)

    def sockets(self, kernel_id: str) -> "weakref.WeakSet[Socket]":
        """The connections to a kernel; Jupyter's own count is wrong after a handshake that was broken off."""
        return self._sockets.setdefault(kernel_id, weakref.WeakSet())

    def budget(self, kernel_id: str, of: str, limit: float, seconds: float) -> "Budget":
        """What the pages of a kernel may still take: `limit` at once, and that much again in so many seconds."""
        return self._budgets.setdefault((kernel_id, of), Budget(limit, seconds))

    async def lives(self, kernel_id: str) -> bool:
        """Whether there is such a kernel, and it has not died."""
        return kernel_id in self and await ensure_async(self.get_kernel(kernel_id).is_alive())

    def admit(self) -> None:
        """See that a page may be opened now.

        Raises:
            HTTPError: 503, all rooms are taken, or many are just being opened; the page for it tries again.
        """
        self._clear_pools()
        waiting = {*self._waiting(), *self._warming}
        opening = {*self.list_kernel_ids(), *self._starting} - waiting - self._claimed
        if len(opening) >= OPENING:
            raise HTTPError(503, "many pages are being opened")
        if not self._waiting() and self._full():
            raise HTTPError(503, "all rooms are taken")

    async def start_kernel(self, **kwargs: Any) -> str:  # type: ignore[override]
        """Start one, if there is room for it.

        Raises:
            HTTPError: 503, there is none.
        """
        waits = kwargs.get("env", {}).get(ENV_VARIABLE.VOILA_PREHEAT) == "True"
        if not waits:
            self.admit()  # others may have come since the page was asked for
        while self._full():
            given_up = None if waits else next(iter(self._waiting()), None)
            if given_up is None:
                raise HTTPError(503, "all rooms are taken")
            await self.shutdown_kernel(given_up, now=True)
        kernel_id = str(uuid4())
        self._starting.add(kernel_id)
        if waits:
            self._warming.add(kernel_id)
        try:
            return await super().start_kernel(**kwargs, kernel_id=kernel_id)
        finally:
            self._starting.discard(kernel_id)
            self._warming.discard(kernel_id)

    async def cull_kernels(self) -> None:
        """End the kernels that nobody needs, and let new ones wait where there is room."""
        for known in (self._opened, self._heard, self._sockets):
            for gone in [kernel_id for kernel_id in known if kernel_id not in self]:
                del known[gone]
        self._budgets = {key: budget for key, budget in self._budgets.items() if key[0] in self}
        self._claimed &= set(self._heard)
        RequestInfoSocketHandler._cache.clear()  # Voilà notes each request there, and our pages ask for none
        self._clear_pools()
        for kernel_id in self._waiting():
            if not await self.lives(kernel_id):
                await self.shutdown_kernel(kernel_id, now=True)
        await super().cull_kernels()
        voila: Any = self
        for name in list(getattr(self, "notebook_data", {})):
            if voila.get_pool_size(name) == 0 and not self._full():
                voila.fill_if_needed(delay=0, notebook_name=name)

    async def cull_kernel_if_idle(self, kernel_id: str) -> None:
        """End a kernel that has died, was left, or whose page is open and forgotten; called for none that waits."""
        if kernel_id in self._starting:
            return
        kernel: Any = self.get_kernel(kernel_id)
        now = time.monotonic()
        opened = self._opened.setdefault(kernel_id, now)  # it has just left its pool
        heard = self._heard.setdefault(kernel_id, now)
        if any(page.connected for page in self.sockets(kernel_id)):
            heard = self._heard[kernel_id] = now
        idle = min(time.time() - kernel.last_activity.timestamp(), now - opened)
        reason = (
            "it has died" if not await kernel.is_alive()
            else "its page is gone" if now - heard > ALONE
            else "nothing was done on its page" if idle > IDLE
            else None
        )  # fmt: skip
        if reason:
            self.log.info("Ending kernel %s: %s.", kernel_id, reason)
            await self.shutdown_kernel(kernel_id, now=True)

    def _clear_pools(self) -> None:
        """A kernel that could not be started waits for nobody."""
        for pool in self._kernel_pools():
            pool[:] = [task for task in pool if not (task.done() and (task.cancelled() or task.exception()))]

    def _kernel_pools(self) -> list[list[Any]]:
        return list(getattr(self, "_pools", {}).values())

    def _waiting(self) -> list[str]:
        """The kernels that wait for a visitor, ready."""
        done = [task for pool in self._kernel_pools() for task in pool if task.done()]
        return [task.result()["kernel_id"] for task in done if not (task.cancelled() or task.exception())]

    def _full(self) -> bool:
        return len({*self.list_kernel_ids(), *self._starting}) >= self.limit or free_memory() < ROOM


class Budget:
    """So much may be taken at once, and comes back in so many seconds."""

    def __init__(self, limit: float, seconds: float):
        self._left, self._limit, self._rate, self._seen = limit, limit, limit / seconds, time.monotonic()

    def take(self, much: float) -> bool:
        """Whether there was enough left."""
        now = time.monotonic()
        self._left = min(self._limit, self._left + (now - self._seen) * self._rate)
        self._seen = now
        if much > self._left:
            return False
        self._left -= much
        return True


_METHODS = ("update", "custom", "request_state", "request_states")
_KINDS = {
    "shell": ("comm_open", "comm_close", "comm_msg", "comm_info_request", "kernel_info_request"),
    "control": ("kernel_info_request",),
}


class Socket(ZMQChannelsWebsocketConnection):
    """What a page sends to its kernel: messages to the widgets that are there, small ones but for uploads."""

    connected = False

    async def prepare(self) -> None:
        """See that there are not too many of them.

        Raises:
            HTTPError: 400 for a session's name that is none, 429 for one connection too many.
        """
        if not SESSION.fullmatch(self.session.session):
            raise HTTPError(400, "no name of a session")
        if len(self._rooms.sockets(self.kernel_id)) >= SOCKETS:
            raise HTTPError(429, "too many connections")
        self._rooms.sockets(self.kernel_id).add(self)
        try:
            await super().prepare()
        except BaseException:
            self._rooms.sockets(self.kernel_id).discard(self)
            raise

    def connect(self) -> Any:
        """The handshake is done."""
        self.connected = True
        self._rooms.heard_of(self.kernel_id)
        self._stream.max_write_buffer_size = UNREAD
        return super().connect()

    def disconnect(self) -> None:  # type: ignore[override]
        """The page has gone, or its line is broken."""
        if self.connected:
            self._rooms.heard_of(self.kernel_id)
        self._rooms.sockets(self.kernel_id).discard(self)
        super().disconnect()

    def handle_outgoing_message(self, stream: Any, outgoing_msg: list[Any]) -> None:
        """Send a message of the kernel, or end a connection that takes none."""
        try:
            super().handle_outgoing_message(stream, outgoing_msg)
        except StreamBufferFullError:
            self.log.info("A page of kernel %s does not read what it asked for.", self.kernel_id)
            self._stream.close()

    @property
    def _stream(self) -> Any:
        socket: Any = self.websocket_handler
        return socket.ws_connection.stream

    @property
    def _rooms(self) -> Rooms:
        return self.multi_kernel_manager

    def handle_incoming_message(self, incoming_msg: str | bytes) -> None:
        """Hand a message on to the kernel, or drop it."""
        try:
            trouble = self._trouble(*_read(incoming_msg, bool(self.subprotocol)))
        except Exception as error:  # whatever it is, the connection goes on
            trouble = f"it can't be read ({type(error).__name__})"
        if trouble:
            self.log.debug("A message to kernel %s was dropped: %s", self.kernel_id, trouble)
        else:
            super().handle_incoming_message(incoming_msg)  # type: ignore[arg-type]

    def _trouble(self, channel: str, header: dict[str, Any], content: dict[str, Any], buffers: int) -> str | None:
        """Why a message is not handed on; `buffers` is the size of what comes with it, in bytes."""
        kind = header["msg_type"]
        if kind not in _KINDS.get(channel, ()):
            return "no page sends it"
        if kind == "comm_open" and content["target_name"] != "jupyter.widget.control":
            return "it opens a widget"
        method = content["data"]["method"] if kind == "comm_msg" else None
        if kind == "comm_msg" and method not in _METHODS:
            return "no page sends it"
        if buffers and method != "update":
            return "it brings something along"
        asked = {"comm_open": 1, "request_state": 1, "request_states": ALL}.get(method or kind, 0)
        if not self._rooms.budget(self.kernel_id, "states", STATES, 60).take(asked):
            return "it asks again and again"
        if not self._rooms.budget(self.kernel_id, "uploads", 2 * MAX_BYTES, 20).take(buffers):
            return "it brings too much"
        return None


def _read(message: str | bytes, v1: bool) -> tuple[str, dict[str, Any], dict[str, Any], int]:
    """The channel, header and content of a message, and the bytes behind them, if its sizes are what they can be.

    Jupyter's own readers believe the numbers that a message begins with, so these are checked first.

    Args:
        message: as it came.
        v1: whether it is of Jupyter's newer protocol.

    Raises:
        ValueError: it is too large or contradicts itself; and whatever JSON and dictionaries raise.
    """
    size = len(message)
    if v1 and isinstance(message, bytes):
        number = int.from_bytes(message[:8], "little")
        if not 6 <= number <= PARTS or len(message) < 8 * (number + 1):
            raise ValueError("parts")
        starts = [int.from_bytes(message[8 * part : 8 * (part + 1)], "little") for part in range(1, number + 1)]
        # A channel and four texts, then pictures.
        if starts != sorted(starts) or starts[0] < 8 * (number + 1) or starts[-1] > len(message):
            raise ValueError("order")
        if starts[5] - starts[0] > JSON_BYTES:
            raise ValueError("size")
        channel, parts = deserialize_msg_from_ws_v1(message)
        buffers = size - starts[5]
        header, content = json.loads(parts[0]), json.loads(parts[3])
    else:
        buffers = 0
        if isinstance(message, bytes):
            number = int.from_bytes(message[:4], "big")
            if not 1 <= number <= PARTS or len(message) < 4 * (number + 1):
                raise ValueError("parts")
            starts = [int.from_bytes(message[4 * part : 4 * (part + 1)], "big") for part in range(1, number + 1)]
            starts.append(len(message))
            if starts != sorted(starts):
                raise ValueError("order")
            buffers = size - starts[1]
            message = message[starts[0] : starts[0] + min(starts[1] - starts[0], JSON_BYTES + 1)]
        if len(message) > JSON_BYTES:
            raise ValueError("size")
        whole = json.loads(message)
        channel, header, content = whole.get("channel") or "shell", whole["header"], whole["content"]
    if not isinstance(header, dict) or not isinstance(content, dict):
        raise ValueError("no dictionaries")
    return channel, header, content, buffers


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

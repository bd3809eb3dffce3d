"""Checks of the messages from a page to its kernel, before the kernel gets them; `inputs` checks their values."""

import json
import re
from typing import Any

from jupyter_server.services.kernels.connection.base import deserialize_msg_from_ws_v1
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from tornado.iostream import StreamBufferFullError
from tornado.web import HTTPError

from artnb.images import MAX_BYTES
from artnb.widgets.kernels import Rooms
from artnb.widgets.visitors import COOKIE, Visitor, checked_token, source_of

JSON_BYTES = 64 * 1024  # of a message without its pictures, at most; a page sends a few hundred
PARTS = 16  # of a message, at most
STATES, ALL = 2000, 50  # widgets whose state a page may request in a minute; a request for all counts as so many
SOCKETS = 4  # connections to one kernel, at most
UNREAD = 64 * 1024**2  # bytes in the buffer of a page that does not read them, at most
SESSION = re.compile(r"[\w-]{1,64}")

_METHODS = ("update", "custom", "request_state", "request_states")
_KINDS = {
    "shell": ("comm_open", "comm_close", "comm_msg", "comm_info_request", "kernel_info_request"),
    "control": ("kernel_info_request",),
}


class Socket(ZMQChannelsWebsocketConnection):
    """A page's connection to its kernel; it passes messages to existing widgets, and only uploads may be large."""

    connected = False

    async def prepare(self) -> None:
        """Check the number of connections.

        Raises:
            HTTPError: 400 for a malformed session id, 429 for too many connections.
        """
        if not SESSION.fullmatch(self.session.session):
            raise HTTPError(400, "malformed session id")
        if len(self._rooms.sockets(self.kernel_id)) >= SOCKETS:
            raise HTTPError(429, "too many connections")
        self._rooms.sockets(self.kernel_id).add(self)
        try:
            await super().prepare()
        except BaseException:
            self._rooms.sockets(self.kernel_id).discard(self)
            raise

    def connect(self) -> Any:
        """Record that the page is open, when the handshake is done."""
        self.connected = True
        self._rooms.heard_of(self.kernel_id)
        handler: Any = self.websocket_handler
        visitor = Visitor(checked_token(handler.get_cookie(COOKIE)), source_of(handler.request.remote_ip))
        self._rooms.introduce(self.kernel_id, visitor)
        self._stream.max_write_buffer_size = UNREAD
        return super().connect()

    def disconnect(self) -> None:  # type: ignore[override]
        """Remove this connection: the page was closed, or the line broke."""
        if self.connected:
            self._rooms.heard_of(self.kernel_id)
        self._rooms.sockets(self.kernel_id).discard(self)
        super().disconnect()

    def handle_outgoing_message(self, stream: Any, outgoing_msg: list[Any]) -> None:
        """Send a message of the kernel, or close a connection that does not read."""
        try:
            super().handle_outgoing_message(stream, outgoing_msg)
        except StreamBufferFullError:
            self.log.info("A page of kernel %s does not read what it requested.", self.kernel_id)
            self._stream.close()

    @property
    def _stream(self) -> Any:
        socket: Any = self.websocket_handler
        return socket.ws_connection.stream

    @property
    def _rooms(self) -> Rooms:
        return self.multi_kernel_manager

    def handle_incoming_message(self, incoming_msg: str | bytes) -> None:
        """Pass a message to the kernel, or drop it."""
        try:
            problem = self._problem(*_read(incoming_msg, bool(self.subprotocol)))
        except Exception as error:  # whatever it is, the connection stays open
            problem = f"it can't be read ({type(error).__name__})"
        if problem:
            self.log.debug("A message to kernel %s was dropped: %s", self.kernel_id, problem)
        else:
            super().handle_incoming_message(incoming_msg)  # type: ignore[arg-type]

    def _problem(self, channel: str, header: dict[str, Any], content: dict[str, Any], buffers: int) -> str | None:
        """Why a message is dropped, or None; `buffers` is the size of its buffers in bytes."""
        kind = header["msg_type"]
        if kind not in _KINDS.get(channel, ()):
            return "pages don't send this type"
        if kind == "comm_open" and content["target_name"] != "jupyter.widget.control":
            return "it creates a widget"
        method = content["data"]["method"] if kind == "comm_msg" else None
        if kind == "comm_msg" and method not in _METHODS:
            return "pages don't send this method"
        if buffers and method != "update":
            return "it has buffers"
        states = {"comm_open": 1, "request_state": 1, "request_states": ALL}.get(method or kind, 0)
        if not self._rooms.budget(self.kernel_id, "states", STATES, 60).take(states):
            return "the page requests states too often"
        if not self._rooms.budget(self.kernel_id, "uploads", 2 * MAX_BYTES, 20).take(buffers):
            return "the page uploads too much"
        return None


def _read(message: str | bytes, v1: bool) -> tuple[str, dict[str, Any], dict[str, Any], int]:
    """The channel, header and content of a message, and the size of its buffers in bytes.

    Jupyter's readers trust the offsets at the beginning of a message, so these are checked first.

    Args:
        message: as it was received.
        v1: whether it follows Jupyter's newer protocol.

    Raises:
        ValueError: it is too large, or its offsets are wrong.
        Exception: whatever JSON and dictionaries raise.
    """
    size = len(message)
    if v1 and isinstance(message, bytes):
        number = int.from_bytes(message[:8], "little")
        if not 6 <= number <= PARTS or len(message) < 8 * (number + 1):
            raise ValueError("parts")
        starts = [int.from_bytes(message[8 * part : 8 * (part + 1)], "little") for part in range(1, number + 1)]
        # A channel and four texts, then the buffers.
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
        fields = json.loads(message)
        channel, header, content = fields.get("channel") or "shell", fields["header"], fields["content"]
    if not isinstance(header, dict) or not isinstance(content, dict):
        raise ValueError("not dictionaries")
    return channel, header, content, buffers

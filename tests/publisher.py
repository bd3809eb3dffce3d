"""A server on this machine that publishes one file, well or badly, and notes what it was asked for and what it sent."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Asked:
    range: str | None
    version: str | None  # If-Range
    sent: int = 0  # bytes of the body


class Publisher:
    """What is published, and how; a test changes it."""

    def __init__(self, content: bytes):
        self.content, self.etag = content, '"one"'
        self.ranges = True  # whether it can send a part
        self.obeys, self.shift = True, 0  # whether it heeds If-Range; by how much it misses the beginning of a part
        self.status, self.location = 200, ""
        self.length = True  # whether it says how long its answer is
        self.breaks: list[int] = []  # after how many bytes it hangs up, for each of the next answers
        self.endless = False
        self.chunk, self.pause = 2**16, 0.0  # bytes at a time; seconds between them
        self.requests: list[Asked] = []
        self.address = ""

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        span, version = request.headers.get("Range"), request.headers.get("If-Range")
        status, start = self.status, 0
        if span and self.ranges and (version == self.etag or not self.obeys):
            start = int(re.fullmatch(r"bytes=(\d+)-", span)[1]) - self.shift
            status = 206 if start < len(self.content) else 416
        asked = Asked(span, version)
        self.requests.append(asked)
        body = self.content[start:]
        request.send_response(status)
        if self.location:
            request.send_header("Location", self.location)
        if self.etag:
            request.send_header("ETag", self.etag)
        if status == 206:
            request.send_header("Content-Range", f"bytes {start}-{len(self.content) - 1}/{len(self.content)}")
        if self.length:
            request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        end = self.breaks.pop(0) if self.breaks else len(body)
        with suppress(OSError):  # the client has hung up
            while asked.sent < end or self.endless:
                piece = body[asked.sent : min(asked.sent + self.chunk, end)]
                if self.endless:
                    piece = piece.ljust(self.chunk, b"\0")
                asked.sent += len(piece)
                request.wfile.write(piece)
                time.sleep(self.pause)


@contextmanager
def publishing(content: bytes) -> Iterator[Publisher]:
    publisher = Publisher(content)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            publisher.answer(self)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    publisher.address = f"http://127.0.0.1:{server.server_port}/net.h5"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield publisher
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

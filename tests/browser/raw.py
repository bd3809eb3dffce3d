"""A client without a browser, which sends what no page would: for the tests of what strangers may do."""

import http.client
import json
import re
import struct
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit
from uuid import uuid4

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect


def get(gallery, path="/", method="GET", **headers):
    """Ask for a page, with any method and headers; redirects are not followed: (status, headers, text)."""
    place = urlsplit(gallery.url)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=120)
    connection.putrequest(method, path, skip_host="Host" in headers)
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, answer.headers, text


def open_page(gallery, name):
    """What a browser does first: the name of the page's kernel."""
    status, _, text = get(gallery, f"/voila/render/{name}.ipynb")
    assert status == 200, text[:300]
    return re.search(r'"kernelId": "([^"]+)"', text)[1]


class Client:
    """One connection to a kernel."""

    def __init__(self, socket):
        self.socket = socket

    def send(self, kind, content, buffers=(), channel="shell", version="2.1.0"):
        """A message of Jupyter's older protocol."""
        header = {"msg_id": uuid4().hex, "username": "", "session": "raw", "msg_type": kind, "version": "5.3"}
        message = {"header": header, "parent_header": {}, "metadata": {"version": version}, "content": content}
        text = json.dumps({**message, "channel": channel, "buffers": []})
        if not buffers:
            self.socket.send(text)
            return
        parts = [text.encode(), *buffers]
        starts = [4 * (len(parts) + 1)]
        for part in parts[:-1]:
            starts.append(starts[-1] + len(part))
        self.socket.send(struct.pack(f"!{len(parts) + 1}I", len(parts), *starts) + b"".join(parts))

    def widget(self, model, data, buffers=()):
        """A message to a widget."""
        self.send("comm_msg", {"comm_id": model, "data": data}, buffers)

    def update(self, model, state, paths=(), buffers=()):
        """Set what is set by no person."""
        self.widget(model, {"method": "update", "state": state, "buffer_paths": list(paths)}, buffers)

    def press(self, model):
        """Press a button."""
        self.widget(model, {"method": "custom", "content": {"event": "click"}})

    def upload(self, model, content):
        """Choose a file, as a browser sends it."""
        file = {"name": "x.png", "type": "image/png", "size": len(content), "last_modified": 1}
        self.update(model, {"value": [file]}, [["value", 0, "content"]], [content])

    def receive(self, seconds=30):
        """The next message, without its buffers."""
        got = self.socket.recv(timeout=seconds)
        if isinstance(got, bytes):
            (number,) = struct.unpack("!I", got[:4])
            starts = [*struct.unpack(f"!{number}I", got[4 : 4 * (number + 1)]), len(got)]
            got = got[starts[0] : starts[1]]
        return json.loads(got)

    def ask(self, name):
        """Ask for the state of all widgets."""
        content = {"comm_id": name, "target_name": "jupyter.widget.control", "data": {}}
        self.send("comm_open", content, version="1.0.0")
        self.widget(name, {"method": "request_states"})

    def states(self):
        """All widgets, name -> state; the kernel has done by then what it was sent before."""
        for _ in range(10):
            name = uuid4().hex
            self.ask(name)
            with suppress(TimeoutError):  # behind thousands of messages ZeroMQ's queue is full, and drops the answer
                while True:
                    content = self.receive(30)["content"]
                    data = content.get("data", {})
                    answers = content.get("comm_id") == name and isinstance(data, dict)
                    if answers and data.get("method") == "update_states":
                        return {model: about["state"] for model, about in data["states"].items()}
        raise TimeoutError("no answer to ten questions")

    def until(self, text, seconds=60):
        """Wait for a message with this text."""
        while True:
            got = json.dumps(self.receive(seconds), ensure_ascii=False)
            if text in got:
                return got


def find(states, kind, description=""):
    """The name of the first widget of a kind whose description begins with a text."""
    return next(
        model
        for model, state in states.items()
        if state["_model_name"] == f"{kind}Model" and str(state.get("description", "")).startswith(description)
    )


@contextmanager
def client(gallery, kernel, **options):
    """A connection, closed at the end."""
    address = gallery.url.replace("http", "ws", 1) + f"api/kernels/{kernel}/channels?session_id={uuid4().hex}"
    with connect(address, max_size=None, open_timeout=60, **options) as socket:
        yield Client(socket)


__all__ = ["Client", "ConnectionClosed", "client", "connect", "find", "get", "open_page"]

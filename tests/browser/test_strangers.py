"""What a stranger can do to the server of the pages: nothing, whatever is sent and however often."""

import io
import json
import math
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image
from websockets.exceptions import InvalidStatus

from artnb.widgets.door import HEADERS
from artnb.widgets.kernels import OPENING
from tests.browser import gallery as galleries
from tests.browser.gallery import PAGES
from tests.browser.raw import ConnectionClosed, client, connect, find, get, open_page

LIMIT = 6


@pytest.fixture(scope="module")
def gallery(tmp_path_factory):
    """Without a browser, and with few rooms."""
    with galleries.serve(tmp_path_factory.mktemp("home"), "--cold", f"--kernels={LIMIT}") as server:
        yield server


@pytest.fixture(scope="module")
def kernels(gallery):
    """A kernel of each page, for the whole module; one that nobody is connected to is kept by asking for it."""
    found = {}

    def of(name):
        if name not in found or get(gallery, f"/artnb/alive/{found[name]}")[0] != 204:
            found[name] = open_page(gallery, name)
        return found[name]

    return of


def png(height=40, width=60):
    """A picture that was never sent before: a page says nothing of the same one again."""
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng().integers(0, 256, (height, width, 3), np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def written(states):
    """What is to be read on a page."""
    return " ".join(state["value"] for state in states.values() if state["_model_name"] == "HTMLModel")


@pytest.mark.parametrize("name", PAGES)
def test_a_text_in_place_of_a_files_bytes_is_no_path(gallery, kernels, tmp_path, name):
    picture, text = tmp_path / "private.png", tmp_path / "private.txt"
    picture.write_bytes(png())
    text.write_text("private")
    with client(gallery, kernels(name)) as visitor:
        before = visitor.states()
        upload = find(before, "FileUpload")
        for file in (picture, text, tmp_path, tmp_path / "none", "/etc/passwd", "https://localhost/x.png"):
            entry = {"name": "x", "type": "", "size": 9, "last_modified": 1, "content": str(file)}
            visitor.update(upload, {"value": [entry]})
            visitor.update(upload, {"value": [entry]}, [["value", 0, "content"]])
            visitor.update(upload, {"value": [entry]}, [["value", 0, "content", 0]], [b"x"])
        assert visitor.states() == before
        visitor.upload(upload, png())
        visitor.until("Your picture")


JUNK = (
    "", "nonsense", "/etc/passwd", "<b>", "x" * 5000, "IPY_MODEL_nonsense", 0, 1, -1, 7, 1e8, -1e25, 1e308, 2**70,
    math.nan, math.inf, True, None, [], ["x"], [[[[]]]], [None], {}, {"a": {"b": [1]}}, [{"name": "x"}],
    [{"name": 1, "content": 5, "last_modified": 1e300}],
)  # fmt: skip
KEYS = (
    "value",
    "index",
    "min",
    "max",
    "step",
    "_options_labels",
    "disabled",
    "description",
    "children",
    "layout",
    "nonsense",
)


@pytest.mark.parametrize("name", PAGES)
def test_every_control_takes_junk_and_the_page_goes_on(gallery, kernels, name):
    with client(gallery, kernels(name)) as visitor:
        before = visitor.states()
        # A number within its range and a choice that there is are no junk.
        fair = {model: {"value", "index"} for model, state in before.items() if state.get("max") or "index" in state}
        for number, (model, state) in enumerate(before.items()):
            for turn, value in enumerate(JUNK):
                keys = [key for key in KEYS if not (key in fair.get(model, ()) and type(value) in (int, float))]
                if state["_model_name"] == "CheckboxModel" and value is True:
                    keys.remove("value")
                visitor.update(model, dict.fromkeys(keys, value))
                for key in keys[(number + turn) % 4 :: 4]:  # by turns: there are several controls of each kind
                    visitor.update(model, {key: value})
            for content in ({"event": "submit"}, {"event": ["click"]}, "click", None, [], {"method": "click"}):
                visitor.widget(model, {"method": "custom", "content": content})
            for data in ({}, [], "x", None, {"method": "update"}, {"method": 5}, {"method": "request_state"}):
                visitor.widget(model, data)
            for key, value in (
                ("index", 10**9),
                ("index", -3),
                ("index", 0.5),
                ("value", 1e8),
                ("value", -5),
                ("value", "5"),
            ):
                visitor.update(model, {key: value})
            visitor.update(model, {"value": []}, ["x"], [b"x"])
            visitor.update(model, {"value": []}, [["value", 5, "a"]], [b"x", b"y"])
            if state.get("disabled"):
                visitor.press(model)
        after = visitor.states()
        assert after == before
        assert "Traceback" not in json.dumps(after)
        visitor.upload(find(before, "FileUpload"), png())
        visitor.until("Your picture")


def test_honest_values_pass(gallery, kernels):
    with client(gallery, kernels("paint_like")) as visitor:
        states = visitor.states()
        size, keep = find(states, "IntSlider", "Size"), find(states, "Checkbox", "Keep")
        strength, network = find(states, "FloatSlider", "Strength"), find(states, "Dropdown", "Network")
        for model, state in (
            (size, {"value": 512}),
            (keep, {"value": True}),
            (strength, {"value": 0.5}),
            (network, {"index": 1}),
        ):
            visitor.update(model, state)
        after = visitor.states()
        assert (after[size]["value"], after[keep]["value"], after[strength]["value"]) == (512, True, 0.5)
        assert after[network]["index"] == 1


@pytest.mark.parametrize("channel", ["shell", "control", "stdin", "iopub", "nonsense"])
def test_messages_that_no_page_sends_do_nothing(gallery, kernels, tmp_path, channel):
    trace = tmp_path / "trace"
    with client(gallery, kernels("who_painted_this")) as visitor:
        before = visitor.states()
        for kind in (
            "execute_request",
            "input_reply",
            "shutdown_request",
            "interrupt_request",
            "debug_request",
            "x",
            None,
            5,
        ):
            visitor.send(
                kind, {"code": f"open({str(trace)!r}, 'w')", "silent": False, "restart": False}, channel=channel
            )
        for text in ("", "[]", "5", "null", "{", '{"header": 5}', '{"header": {}, "content": []}', "[" * 60_000):
            visitor.socket.send(text)
        for content in (b"", b"\0" * 8, b"\x7f\xff\xff\xff", b"\xff" * 64, bytes(range(256))):
            visitor.socket.send(content)
        assert visitor.states() == before
    assert not trace.exists()


def test_the_numbers_that_a_message_begins_with_are_not_believed(gallery, kernels):
    """In Jupyter's newer protocol, too: its own reader would count up to 2 ** 63."""
    with client(gallery, kernels("who_painted_this"), subprotocols=["v1.kernel.websocket.jupyter.org"]) as visitor:
        assert visitor.socket.subprotocol
        for number in (0, 1, 5, 6, 2**31, 2**63 - 1):
            for rest in (b"", b"\xff" * 200, bytes(200)):
                visitor.socket.send(number.to_bytes(8, "little") + rest)
        visitor.socket.send("a text")
        visitor.socket.ping().wait(30)
    assert get(gallery)[0] == 200


def test_a_thousand_widgets_are_not_made(gallery, kernels):
    with client(gallery, kernels("who_painted_this")) as visitor:
        before = visitor.states()
        state = {
            "_model_module": "@jupyter-widgets/controls", "_model_module_version": "2.0.0", "_model_name": "TextModel",
            "_view_module": "@jupyter-widgets/controls", "_view_module_version": "2.0.0", "_view_name": "TextView",
            "value": "x" * 1000,
        }  # fmt: skip
        for number in range(1000):
            data = {"state": state, "buffer_paths": []}
            visitor.send("comm_open", {"comm_id": f"w{number}", "target_name": "jupyter.widget", "data": data})
        assert visitor.states() == before


def test_a_huge_text_and_a_huge_file_are_not_taken(gallery, kernels):
    with client(gallery, kernels("who_painted_this")) as visitor:
        upload = find(visitor.states(), "FileUpload")
        visitor.update(upload, {"value": "x" * 50_000_000})  # not read, and nobody has to wait
        assert get(gallery)[0] == 200
        assert visitor.states()[upload]["value"] == []
        with pytest.raises(ConnectionClosed):
            visitor.update(upload, {"value": "x" * 300_000_000})
            visitor.states()
    assert get(gallery)[0] == 200
    with client(gallery, kernels("who_painted_this")) as visitor:
        visitor.upload(find(visitor.states(), "FileUpload"), bytes(100_000_000))
        visitor.until("unknown format")
    assert gallery.process.memory_info().rss < 1.5 * 1024**3


def test_one_connection_cannot_ask_for_everything_again_and_again(gallery, kernels):
    with client(gallery, kernels("who_painted_this")) as visitor, pytest.raises(TimeoutError):
        for _ in range(200):
            visitor.ask("c")
        answers = 0
        while True:
            data = visitor.receive(3)["content"].get("data", {})
            answers += isinstance(data, dict) and data.get("method") == "update_states"
            assert answers <= 100


def test_a_client_that_does_not_read_is_cut_off(gallery, kernels):
    """Proven before: four sockets that never read took 5 GB of the server in 18 seconds."""
    from contextlib import ExitStack

    kernel = kernels("monet")
    with client(gallery, kernel) as visitor:
        visitor.upload(find(visitor.states(), "FileUpload"), png(900, 900))
        visitor.until("Your picture")
    with ExitStack() as stack:
        deaf = [stack.enter_context(client(gallery, kernel, max_queue=1, close_timeout=1)) for _ in range(4)]
        for _ in range(300):
            with suppress(ConnectionClosed):
                deaf[0].ask("c")
        for _ in range(20):
            assert get(gallery)[0] == 200
            assert gallery.process.memory_info().rss < 1.5 * 1024**3  # 0.8 to 1.1 GB, by how busy the machine is
            time.sleep(0.2)


def test_handshakes_that_are_broken_off_are_not_counted(gallery, kernels):
    """Each of them took one from Jupyter's count, so that more could come, and a kernel without a page lived on."""
    kernel, place = kernels("monet"), urlsplit(gallery.url)
    for number in range(20):
        with socket.create_connection((place.hostname, place.port)) as line:
            line.sendall(
                f"GET /api/kernels/{kernel}/channels?session_id=s{number} HTTP/1.1\r\nHost: {place.netloc}\r\n"
                "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
            )
    time.sleep(2)
    test_a_kernel_has_few_connections(gallery, kernels)


@pytest.mark.parametrize("session", ["x" * 300, "", "a b"])
def test_a_session_has_a_name(gallery, kernels, session):
    address = gallery.url.replace("http", "ws", 1) + f"api/kernels/{kernels('monet')}/channels?session_id="
    if not session:
        with connect(address):
            return
    with pytest.raises(InvalidStatus):
        connect(address + session.replace(" ", "%20"))


def test_nobody_sends_a_body(gallery):
    place = urlsplit(gallery.url)
    before = gallery.process.memory_info().rss
    for headers in ("Content-Length: 100000000", "Transfer-Encoding: chunked"):
        with socket.create_connection((place.hostname, place.port), timeout=30) as line:
            with suppress(OSError):
                line.sendall(f"POST /x HTTP/1.1\r\nHost: evil\r\n{headers}\r\n\r\n".encode())
                for _ in range(50):
                    line.sendall(b"f4240\r\n" + bytes(1_000_000) + b"\r\n")
            with suppress(OSError):
                assert b"200" not in line.recv(100)
    assert gallery.process.memory_info().rss - before < 30 * 1024**2


def test_a_file_in_one_piece_arrives(gallery, kernels):
    """Firefox does not cut its messages as Chromium does."""
    with client(gallery, kernels("paint_like")) as visitor:
        upload = find(visitor.states(), "FileUpload")
        visitor.upload(upload, bytes(199_000_000))
        visitor.until("unknown format")


def test_a_kernel_has_few_connections(gallery, kernels):
    from contextlib import ExitStack

    kernel = kernels("monet")
    with ExitStack() as stack, pytest.raises(InvalidStatus):
        for _ in range(20):
            stack.enter_context(client(gallery, kernel))
    with client(gallery, kernel) as visitor:
        assert visitor.states()


PAGE = "/voila/render/monet.ipynb"
IMAGE = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors", "Sec_Fetch_Dest": "image"}
LINK = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 403),
        ({"Host": "evil.example:8866"}, 403),
        ({"Host": "127.0.0.1.evil.example"}, 403),
        ({"Host": "localhost.evil.example"}, 403),
        ({"Host": "10.0.0.1"}, 403),
        ({"Host": "0.0.0.0"}, 403),
        ({"Host": "[::ffff:10.0.0.1]"}, 403),
        ({"Host": ""}, 403),
        ({"Host": "[nonsense"}, 403),
        ({"Host": "127.0.0.1@evil.example"}, 400),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Referer": "http://evil.example/page"}, 403),
        ({"Origin": "http://["}, 403),
        ({"Referer": "http://["}, 403),
        (IMAGE, 403),
        ({**IMAGE, "Sec_Fetch_Site": "same-site"}, 403),
        ({**LINK, "Sec_Fetch_Dest": "iframe"}, 403),
        (LINK, 303),
    ],
    ids=str,
)
def test_other_names_and_other_sites_start_nothing(gallery, headers, status):
    before = {kernel.pid for kernel in gallery.kernels()}
    found, answered, text = get(gallery, PAGE, **headers)
    assert found == status and "Traceback" not in text
    assert status != 303 or answered["Location"] == "/"
    assert {kernel.pid for kernel in gallery.kernels()} <= before
    address = gallery.url.replace("http", "ws", 1) + "api/kernels/00000000-0000-0000-0000-000000000000/channels"
    if status == 403 and "Origin" in headers:
        with pytest.raises(InvalidStatus) as refused:
            connect(address, additional_headers=headers)
        assert refused.value.response.status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Host": "localhost"},
        {"Host": "LOCALHOST:1"},
        {"Host": "[::1]:80"},
        {"Host": "127.0.0.1."},
        LINK,
        {"Sec_Fetch_Site": "none"},
    ],
    ids=str,
)
def test_our_own_names_and_a_link_to_the_start_page_are_answered(gallery, headers):
    assert get(gallery, "/", **headers)[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/nonsense",
        "/voila/templates/artnb/static/artnb.css",
        "/voila/render/nonsense.ipynb",
        "/voila/static/voila.js",
        "/artnb/alive/x",
    ],
)
def test_every_answer_has_the_headers(gallery, path):
    _, headers, _ = get(gallery, path)
    assert {name: headers[name] for name in HEADERS} == HEADERS
    assert get(gallery, path, Host="evil.example")[1]["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize(
    "path",
    ["/voila/api/contents", "/voila/files/monet.ipynb", "/api/kernels", "/api/contents", "/voila/query/" + "0" * 36],
)
def test_what_the_pages_do_not_need_is_not_there(gallery, path):
    assert get(gallery, path)[0] == 404


@pytest.mark.parametrize(
    "path",
    [
        *("/logout", "/login", "/voila", "/voila/render", "/nonsense", "/%00", "/%ff", "/..", "//evil.example", "/lab"),
        *("/voila/render/" + name for name in ("%0d%0a", "%00", "monet.ipynb%00", "%ff.ipynb", "..", "x" * 5000)),
        *("/voila/templates/" + name for name in ("", "..", "x", "artnb", "artnb/static", "artnb/static/%00", "%00")),
        *("/voila/static/" + name for name in ("", "..", "%00", "x" * 5000)),
        *("/artnb/alive/-", "/artnb/alive/%00", "/api/kernels/%00", "/voila/themes/%00", "/favicon.ico"),
    ],
    ids=lambda path: path[:40],
)
def test_an_address_of_any_kind_leads_somewhere_or_nowhere(gallery, path):
    for method in ("GET", "POST", "DELETE", "NONSENSE"):
        status, headers, text = get(gallery, path, method)
        if status == 302:  # to a file of Voilà's, which is not there
            assert headers["Location"].startswith("/voila/")
            status, _, text = get(gallery, headers["Location"], method)
        assert 400 <= status < 500, f"{method}: {status}"
    assert "Traceback" not in text
    if not path.startswith(("/voila/templates", "/voila/static", "/artnb", "/api")):  # where a person may come to
        status, headers, text = get(gallery, path)
        assert "All pages" in (get(gallery, headers["Location"])[2] if status == 302 else text)


def test_a_crawler_leaves_the_server_answering(gallery):
    """Forty plain requests, none of which ever opens a socket; all that they began has ended a minute later."""
    galleries.wait_for(lambda: not gallery.kernels(), 120)  # those of the tests before
    with ThreadPoolExecutor(40) as crowd:
        asked = [crowd.submit(get, gallery, f"{PAGE}?{number}") for number in range(40)]
        assert get(gallery)[0] == 200
        answers = [future.result() for future in asked]
    turned_away = [answer for answer in answers if answer[0] == 503]
    assert {answer[0] for answer in answers} == {200, 503}
    assert len(gallery.kernels()) == 40 - len(turned_away) == OPENING < LIMIT, "a visitor may still come"
    _, headers, text = turned_away[0]
    assert headers["Retry-After"] and 'http-equiv="refresh"' in text and "tries again" in text
    galleries.wait_for(lambda: not gallery.kernels(), 60)


def test_a_kernel_that_died_while_it_waited_is_replaced(tmp_path):
    with galleries.serve(tmp_path, "--kernels=3") as server:

        def ready():
            return len(server.kernels()) == 3

        galleries.wait_for(ready, 60)
        killed = server.kernels()[0]
        killed.kill()
        galleries.wait_for(lambda: ready() and killed.pid not in {kernel.pid for kernel in server.kernels()}, 60)


def test_on_another_address_a_token_is_asked_for(tmp_path):
    with galleries.serve(tmp_path, "--cold", "--ip=0.0.0.0", "--allow-host=paintings.example") as server:
        said = (tmp_path / "voila.log").read_text()
        token = said.split("?token=")[1].split()[0]
        status, headers, _ = get(server, PAGE)
        assert status == 302 and headers["Location"].startswith("/login")
        assert not server.kernels()
        assert get(server, "/login")[0] == 200
        assert get(server, f"/?token={token}")[0] == 200 == get(server, f"/?token={token}", Host="paintings.example")[0]
        assert get(server, f"/?token={token}x")[0] in (302, 403)
        assert get(server, f"/?token={token}", Host="evil.example")[0] == 403
        address = server.url.replace("http", "ws", 1) + "api/kernels/00000000-0000-0000-0000-000000000000/channels"
        with pytest.raises(InvalidStatus) as refused:
            connect(address)
        assert refused.value.response.status_code in (401, 403)


def test_without_a_token_if_that_was_said(tmp_path):
    with galleries.serve(tmp_path, "--cold", "--ip=0.0.0.0", "--no-token") as server:
        assert get(server)[0] == 200

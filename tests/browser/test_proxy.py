"""The pages behind the proxy of docs/deployment.md, as its visitors reach them."""

import re
from http.cookies import SimpleCookie
from urllib.parse import urlsplit

from artnb.operation.store import Store
from artnb.widgets.visitors import COOKIE
from tests.browser.gallery import Gallery, serve
from tests.browser.raw import client, find
from tests.test_deployment import LOGIN, get, proxy

PAGE = "/voila/render/who_painted_this.ipynb"


def ask(gallery, kernel, cookie):
    """Choose an example, ask who painted it, and say that the answer is right."""
    with client(gallery, kernel, additional_headers=LOGIN | {"Cookie": f"{COOKIE}={cookie}"}) as visitor:
        states = visitor.states()
        visitor.press(find(states, "Button", "Camille"))
        visitor.until("The painting: Camille")
        visitor.press(find(states, "Button", "Who"))
        visitor.until("artnb-bar", 300)
        visitor.press(find(states, "Button", "Right"))
        visitor.until("your answer is saved")


def test_a_visitor_behind_the_proxy_is_the_same_at_every_visit(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    with (
        serve(home, "--cold", "--allow-host", "paintings.example") as server,
        proxy(tmp_path, urlsplit(server.url).port) as port,
    ):
        assert get(port)[0] == 401 and get(port, **LOGIN)[0] == 200
        assert get(port, **LOGIN, Host="elsewhere.example")[0] == 403, "nginx hands the name on"
        cookie = ""
        for _ in range(2):
            sent = {"Cookie": f"{COOKIE}={cookie}"} if cookie else {}
            status, page, headers = get(port, PAGE, **LOGIN, **sent)
            assert status == 200
            lines = [line for line in headers.get_all("Set-Cookie") if line.startswith(f"{COOKIE}=")]
            given = SimpleCookie(lines[0])[COOKIE]
            assert cookie in ("", given.value) and given["httponly"] and given["samesite"] == "Lax"
            cookie = given.value
            kernel = re.search(r'"kernelId": "([\w-]+)"', page)[1]
            ask(Gallery(f"http://127.0.0.1:{port}/", home, server.process), kernel, cookie)
    rows = Store(home / "operation.sqlite").read("feedback", ["visitor", "source"])
    assert set(rows["visitor"]) == {cookie} and rows["source"].nunique() == 1 and len(rows) == 2

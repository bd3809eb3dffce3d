"""docs/deployment.md: its proxy is run in front of a server, its service's file checked, its commands executed."""

import base64
import contextlib
import http.client
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import click
import pytest

from artnb.cli import root
from artnb.operation.store import Store
from tests.conftest import CHECKOUT

PAGE = (CHECKOUT / "docs" / "deployment.md").read_text(encoding="utf-8")
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
LOGIN = {"Authorization": "Basic " + base64.b64encode(b"class:a password").decode()}


def blocks(language, text=""):
    """The page's blocks in a language that hold a text."""
    return [block for block in re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.M | re.S) if text in block]


def run(script, folder, **environment):
    """Run a block of commands in a folder."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env={**os.environ, "PATH": path, **environment},
        capture_output=True,
        text=True,
    )


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextlib.contextmanager
def proxy(folder, upstream):
    """The page's nginx, on a free port, in front of a server on another; yields its port."""
    if NGINX is None:
        pytest.skip("there is no nginx on this machine (on Debian: apt install nginx-light)")
    (passwords,) = blocks("bash", "openssl passwd")
    made = run(passwords, folder)
    assert made.returncode == 0, made.stderr
    (site,), port = blocks("nginx"), free_port()
    changes = {
        "listen 80;": f"listen 127.0.0.1:{port};",
        "/etc/nginx/artnb.passwd": str(folder / "artnb.passwd"),
        "127.0.0.1:8866": f"127.0.0.1:{upstream}",
    }
    for old, new in changes.items():
        assert old in site
        site = site.replace(old, new)
    places = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""  # so that it may read the passwords in a folder of ours
    config = folder / "nginx.conf"
    config.write_text(
        f"{user} daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/errors;\n"
        f"events {{}}\nhttp {{ access_log off; {places}\n{site}\n}}\n"
    )
    command = [NGINX, "-p", str(folder), "-e", str(folder / "errors"), "-c", str(config)]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    server = subprocess.Popen(command)
    try:
        for _ in range(600):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert server.poll() is None, (folder / "errors").read_text()
            time.sleep(0.1)
        yield port
    finally:
        server.terminate()
        server.wait(60)


def get(port, path="/", **headers):
    """The status and the text that a proxy answers with."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request("GET", path, headers={"Host": f"paintings.example:{port}", **headers})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), answer.headers
    finally:
        connection.close()


def test_the_proxy_asks_for_a_login_and_hands_on_names_addresses_and_web_sockets(tmp_path):
    websockets = pytest.importorskip("websockets.sync.server")
    from websockets.sync.client import connect

    def plain(connection, request):
        if request.headers.get("Upgrade") is None:
            names = ("Host", "X-Forwarded-For", "X-Forwarded-Proto")
            return connection.respond(200, " ".join(request.headers.get(name, "-") for name in names))
        return None

    def echo(connection):
        for message in connection:
            connection.send(message)

    with websockets.serve(echo, "127.0.0.1", 0, process_request=plain, max_size=None) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with proxy(tmp_path, server.socket.getsockname()[1]) as port:
            assert get(port)[0] == 401
            assert get(port, Authorization="Basic " + base64.b64encode(b"class:wrong").decode())[0] == 401
            status, told, _ = get(port, **LOGIN, **{"X-Forwarded-For": "192.0.2.7"})
            assert status == 200 and told.split() == [f"paintings.example:{port}", "127.0.0.1", "http"], "as it is"
            address = f"ws://127.0.0.1:{port}/"
            with connect(address, additional_headers=LOGIN, max_size=None) as line:
                line.send(b"x" * 5_000_000)  # an upload, more than a request's body may have
                assert len(line.recv()) == 5_000_000
            with pytest.raises(Exception, match="401"), connect(address):
                pass
        server.shutdown()


def test_the_service_is_one_that_systemd_and_artnb_understand(tmp_path):
    (unit,) = blocks("ini", "ExecStart")
    command = re.search(r"^ExecStart=/opt/artnb/bin/artnb (.*)$", unit, re.M)[1].split()
    _, found, arguments = root.resolve_command(click.Context(root), command)
    with found.make_context("demo", arguments) as context:
        assert context.params["allow_host"] == ("paintings.example",) and context.params["kernels"] == 8
        assert f"127.0.0.1:{context.params['port']}" in blocks("nginx")[0] and context.params["ip"] == "127.0.0.1"
    variables = set(re.findall(r"(ARTNB_\w+)=", unit))
    from artnb.settings import Settings

    assert variables and all(f"`{name}`" in Settings.__doc__ for name in variables)
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd on this machine")
    (tmp_path / "artnb.service").write_text(unit.replace("/opt/artnb/bin/artnb", "/bin/true"))
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / "artnb.service")], capture_output=True, text=True
    )
    about_it = [line for line in checked.stderr.splitlines() if "artnb.service" in line]
    assert not about_it, "such as an unknown key"


@pytest.mark.slow
def test_a_backup_is_restored(tmp_path, use):
    from artnb.operation import registry

    home, place = tmp_path / "home", tmp_path / "backup"
    place.mkdir()
    use(home=home)
    registry.add("starter-cnn")
    registry.promote("art-classifier")
    Store.default().add("feedback", [{"model": "m", "said": "a", "artist": "b"}])
    save, restore = blocks("bash", "flock")[0], blocks("bash", "models list")[0]
    saved = run(save, place, ARTNB_HOME=str(home))
    assert saved.returncode == 0, saved.stderr
    new = tmp_path / "new"
    new.mkdir()
    restored = run(restore.replace("artnb models", f"{sys.executable} -m artnb models"), place, ARTNB_HOME=str(new))
    assert restored.returncode == 0, restored.stderr
    assert re.search(r"^art-classifier +1 +champion ", restored.stdout, re.MULTILINE), restored.stdout
    assert Store(new / "operation.sqlite").read("feedback", ["artist"])["artist"].tolist() == ["b"]


def test_every_other_command_of_the_page_is_known_to_need_a_machine_of_its_own():
    tried = ("openssl passwd", "flock", "models list")
    others = [block for block in blocks("bash") if not any(text in block for text in tried)]
    assert [block.split()[0] for block in others] == ["useradd", "systemctl"]

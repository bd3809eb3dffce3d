"""Who is answered: the server's own names, and no pages of other sites."""

import socket
from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

import psutil
from jupyter_server.utils import url_path_join
from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.web import OutputTransform, RequestHandler

RETRY = 5  # seconds after which the page that waits for a room tries again
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
            headers["Retry-After"] = str(RETRY)
        return status_code, headers, chunk

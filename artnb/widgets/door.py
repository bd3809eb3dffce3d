"""Checks of each request: it must use one of the server's names, and come from no page of another site."""

import socket
from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

import psutil
from jupyter_server.utils import url_path_join
from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.web import OutputTransform, RequestHandler

RETRY = 5  # seconds after which a page that waits for a free kernel tries again
HEADERS = {
    # Voilà's pages contain inline scripts, and JupyterLab validates its settings with code that it compiles there.
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


def own_names(ip: str, allowed: Collection[str] = ()) -> set[str]:
    """The host names that a request may use: this machine's addresses and name, and the `allowed` ones."""
    names = {"localhost", "127.0.0.1", "::1", *(name.lower() for name in allowed)}
    if is_loopback(ip):
        return names | {ip}
    addresses = {ip}
    if ip == "" or (_is_address(ip) and ip_address(ip).is_unspecified):
        texts = (address.address.partition("%")[0] for card in psutil.net_if_addrs().values() for address in card)
        addresses = {text for text in texts if _is_address(text)}
    host = socket.gethostname().lower()
    return names | {address.lower() for address in addresses} | {host, f"{host}.local"}


def refusal(request: HTTPServerRequest, names: Collection[str], start: str) -> tuple[int, str] | None:
    """Why a request is refused: a status and a message, or 303 and the path to redirect to; None if it is accepted.

    By DNS rebinding, any web site can make its own name point to this server; so only the server's names are accepted.
    A page of another site may do nothing but link to our pages, and such a link leads to the start page.

    Args:
        request: to be checked.
        names: see `own_names`.
        start: the path of the start page.
    """
    host = _host(request.host)
    if host not in names:
        known = ", ".join(sorted(names))
        return 403, f"This server only answers under its own names ({known}); --allow-host NAME adds another one."
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    if origin is not None and _netloc(origin) != request.host.lower():
        return 403, "This request comes from a page of another site."
    if site is None and (referer := request.headers.get("Referer")):  # an old browser
        site = "same-origin" if _netloc(referer) == request.host.lower() else "cross-site"
    if site in (None, "same-origin", "none"):
        return None
    mode, destination = request.headers.get("Sec-Fetch-Mode"), request.headers.get("Sec-Fetch-Dest")
    if request.method != "GET" or (mode, destination) != ("navigate", "document"):
        return 403, "This request comes from a page of another site."
    return None if request.path == start or request.path.startswith(url_path_join(start, "login")) else (303, start)


def _host(header: str) -> str:
    """`[::1]:8866` -> `::1`; empty for anything else."""
    try:
        return (urlsplit(f"//{header}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _netloc(address: str) -> str:
    """`http://a:1/b` -> `a:1`; empty for anything else."""
    try:
        return urlsplit(address).netloc.lower()
    except ValueError:
        return ""


class Refused(RequestHandler):
    """Responds to a refused request with the reason, or redirects it."""

    def initialize(self, status: int, reason: str) -> None:
        """Store what `refusal` returned."""
        self._status, self._reason = status, reason

    def prepare(self) -> None:
        """Respond before any method is called, whatever the method is."""
        if self._status == 303:
            self.redirect(self._reason, status=303)
            return
        self.set_status(self._status)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(self._reason)

    def data_received(self, chunk: bytes) -> None:
        """Ignore the body."""


class SafeHeaders(OutputTransform):
    """Adds `HEADERS` to every response, whichever handler sends it."""

    def __init__(self, request: HTTPServerRequest):
        pass

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        """Add the headers; Tornado calls this before it sends a response."""
        for name, value in HEADERS.items():
            headers[name] = value
        if status_code == 503:
            headers["Retry-After"] = str(RETRY)
        return status_code, headers, chunk

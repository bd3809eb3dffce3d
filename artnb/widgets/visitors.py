"""Who visits a page: a random token of the browser, in a cookie, and one that stands for its address.

The server knows both when a page connects to its kernel, and writes them to a file beside the kernel's connection file,
which only this user can read. The kernel reads it when a question is asked, because it may have waited for its visitor.
"""

import hashlib
import hmac
import re
import secrets
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address, ip_network
from pathlib import Path
from uuid import uuid4

COOKIE = "artnb-visitor"
DAYS = 365  # that a browser keeps the cookie
_TOKEN = re.compile(r"[0-9a-f]{32}")
_KEY = secrets.token_bytes(16)  # of this server only, so that nobody can find out an address from its token


@dataclass(frozen=True)
class Visitor:
    """A visitor of a page.

    Attributes:
        token: a random number, the same at every visit in one browser.
        source: a number that stands for the address, the same as long as the server runs; "" if it is not known.
    """

    token: str
    source: str = ""


def checked_token(cookie: str | None) -> str:
    """The token that a browser sent; a new one for anything else than such a token."""
    return cookie if cookie and _TOKEN.fullmatch(cookie) else uuid4().hex


def source_of(address: str | None) -> str:
    """A number that stands for an address; one household's or school's addresses of IPv6 have the same one."""
    try:
        ip = ip_address((address or "").partition("%")[0])
    except ValueError:
        return ""
    network = str(ip_network((ip, 64), strict=False)) if ip.version == 6 else str(ip)
    return hmac.new(_KEY, network.encode(), hashlib.sha256).hexdigest()[:12]


def introduce(connection_file: str | Path, visitor: Visitor) -> None:
    """Tell a kernel who its visitor is; the first one stays."""
    with suppress(FileExistsError), _file(connection_file).open("x", encoding="ascii") as file:
        file.write(f"{visitor.token} {visitor.source}")


def leave(connection_file: str | Path) -> None:
    """Remove what `introduce` wrote."""
    _file(connection_file).unlink(missing_ok=True)


def this_visitor(fallback: str) -> Visitor:
    """The visitor of the kernel that this runs in.

    Args:
        fallback: the token where no server has introduced anybody, as in a notebook.
    """
    file = _own_file()
    try:
        token, _, source = file.read_text(encoding="ascii").partition(" ") if file else ("", "", "")
    except OSError:
        token = source = ""
    return Visitor(token or fallback, source)


def _file(connection_file: str | Path) -> Path:
    return Path(connection_file).with_suffix(".visitor")


@cache
def _own_file() -> Path | None:
    """The file of this process, if it is a kernel."""
    kernel = sys.modules.get("ipykernel.kernelapp")
    if kernel is None or not kernel.IPKernelApp.initialized():
        return None
    return _file(kernel.IPKernelApp.instance().abs_connection_file)

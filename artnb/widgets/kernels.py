"""How many kernels there are, and when one is ended."""

import re
import time
import weakref
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
from jupyter_core.utils import ensure_async
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado.web import HTTPError
from traitlets import Int
from voila.request_info_handler import RequestInfoSocketHandler
from voila.utils import ENV_VARIABLE

ROOM = 1800 * 1024**2  # bytes that a kernel comes to need: 750 MB at rest, 1,800 when it has painted 768 pixels
RESERVE = 2 * 1024**3  # bytes for the server, and for all else on the machine
OPENING = 4  # kernels at most whose page was not heard of yet: a crawler gets no more
ALONE = 30  # seconds without a sign of its page after which a kernel is ended
IDLE = 3600  # seconds in which nothing was done on an open page
TICK = 5  # seconds between two looks at all kernels


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
        self._sockets: dict[str, weakref.WeakSet[Any]] = {}
        self._budgets: dict[tuple[str, str], Budget] = {}
        self._starting: set[str] = set()
        self._warming: set[str] = set()  # those of them that nobody waits for

    def heard_of(self, kernel_id: str) -> None:
        """The page of this kernel gave a sign of life."""
        self._heard[kernel_id] = time.monotonic()
        self._opened.setdefault(kernel_id, self._heard[kernel_id])
        self._claimed.add(kernel_id)

    def sockets(self, kernel_id: str) -> weakref.WeakSet[Any]:
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
            "it has died" if not await self.lives(kernel_id)
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

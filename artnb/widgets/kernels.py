"""The kernel manager: limits the number of kernels, and ends those that nobody uses."""

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

from artnb.widgets.visitors import Visitor, introduce, leave

ROOM = 1800 * 1024**2  # bytes that a kernel may need: 750 MB when it is idle, 1,800 after painting 768 pixels
RESERVE = 2 * 1024**3  # bytes for the server, and for everything else on the machine
OPENING = 4  # kernels whose page has not connected yet, at most; a crawler never connects
ALONE = 30  # seconds without a request from its page after which a kernel is ended
IDLE = 3600  # seconds without activity on an open page after which its kernel is ended
TICK = 5  # seconds between two checks of all kernels


def kernels_for(memory: int) -> int:
    """How many kernels fit into so many bytes of free memory, at least 1."""
    return max(1, (memory - RESERVE) // ROOM)


def free_memory() -> int:
    """Free memory in bytes of this machine, or of this container if it has a limit (cgroup v2)."""
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
    """A rate limit (token bucket): `limit` may be taken at once, and is refilled within `seconds`."""

    def __init__(self, limit: float, seconds: float):
        self._left, self._limit, self._rate, self._updated = limit, limit, limit / seconds, time.monotonic()

    def take(self, amount: float) -> bool:
        """Take an amount if so much is left; return whether it was."""
        now = time.monotonic()
        self._left = min(self._limit, self._left + (now - self._updated) * self._rate)
        self._updated = now
        if amount > self._left:
            return False
        self._left -= amount
        return True


class Rooms(AsyncMappingKernelManager):
    """One kernel per open page, as many as the memory allows; a kernel whose page is gone is soon ended.

    Voilà derives the class of its kernel manager from this one. Its pools hold kernels that wait for a visitor. They
    count, too; a waiting kernel is ended when a visitor of another page needs its memory.
    """

    limit = Int(1, help="Kernels at most, including those that wait.").tag(config=True)

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self._opened: dict[str, float] = {}  # kernel -> when it was given to a page
        self._heard: dict[str, float] = {}  # kernel -> the last request of its page, if there was any
        self._sockets: dict[str, weakref.WeakSet[Any]] = {}
        self._budgets: dict[tuple[str, str], Budget] = {}
        self._starting: set[str] = set()
        self._warming: set[str] = set()  # those of them that will wait for a visitor

    def heard_of(self, kernel_id: str) -> None:
        """Record that the page of this kernel is open."""
        self._heard[kernel_id] = time.monotonic()
        self._opened.setdefault(kernel_id, self._heard[kernel_id])

    def sockets(self, kernel_id: str) -> weakref.WeakSet[Any]:
        """The connections to a kernel; Jupyter's count is wrong after an interrupted handshake."""
        return self._sockets.setdefault(kernel_id, weakref.WeakSet())

    def budget(self, kernel_id: str, of: str, limit: float, seconds: float) -> "Budget":
        """The rate limit of a kernel's pages for one kind of request, such as "uploads"."""
        return self._budgets.setdefault((kernel_id, of), Budget(limit, seconds))

    def introduce(self, kernel_id: str, visitor: Visitor) -> None:
        """Tell a kernel who its visitor is."""
        introduce(self.get_kernel(kernel_id).connection_file, visitor)

    def remove_kernel(self, kernel_id: str) -> Any:
        """Remove a kernel that has ended, and what it was told of its visitor."""
        kernel: Any = super().remove_kernel(kernel_id)
        if kernel is not None and kernel.connection_file:
            leave(kernel.connection_file)
        return kernel

    async def lives(self, kernel_id: str) -> bool:
        """Whether this kernel exists and runs."""
        return kernel_id in self and await ensure_async(self.get_kernel(kernel_id).is_alive())

    def admit(self) -> None:
        """Check that a page may be opened now.

        Raises:
            HTTPError: 503, no kernel is free, or many pages are being opened; the error page tries again.
        """
        self._clear_pools()
        waiting = {*self._waiting(), *self._warming}
        opening = {*self.list_kernel_ids(), *self._starting} - waiting - set(self._heard)
        if len(opening) >= OPENING:
            raise HTTPError(503, "many pages are being opened")
        if not self._waiting() and self._full():
            raise HTTPError(503, "all kernels are taken")

    async def start_kernel(self, **kwargs: Any) -> str:  # type: ignore[override]
        """Start a kernel, if necessary in place of a waiting one.

        Raises:
            HTTPError: 503, no kernel is free.
        """
        for_pool = kwargs.get("env", {}).get(ENV_VARIABLE.VOILA_PREHEAT) == "True"
        if not for_pool:
            self.admit()  # again: other visitors may have come since the page was requested
        while self._full():
            replaced = None if for_pool else next(iter(self._waiting()), None)
            if replaced is None:
                raise HTTPError(503, "all kernels are taken")
            await self.shutdown_kernel(replaced, now=True)
        kernel_id = str(uuid4())
        self._starting.add(kernel_id)
        if for_pool:
            self._warming.add(kernel_id)
        try:
            return await super().start_kernel(**kwargs, kernel_id=kernel_id)
        finally:
            self._starting.discard(kernel_id)
            self._warming.discard(kernel_id)

    async def cull_kernels(self) -> None:
        """End the kernels that nobody uses, and fill the pools if there is room."""
        for entries in (self._opened, self._heard, self._sockets):
            for ended in [kernel_id for kernel_id in entries if kernel_id not in self]:
                del entries[ended]
        self._budgets = {key: budget for key, budget in self._budgets.items() if key[0] in self}
        RequestInfoSocketHandler._cache.clear()  # Voilà stores each request there, and our pages don't use it
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
        """End a kernel that has died, whose page is gone, or on whose page nothing is done; not called in a pool."""
        if kernel_id in self._starting:
            return
        kernel: Any = self.get_kernel(kernel_id)
        now = time.monotonic()
        opened = self._opened.setdefault(kernel_id, now)  # it has just left its pool
        heard = self._heard.get(kernel_id, opened)
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
        """Remove the kernels that could not be started."""
        for pool in self._kernel_pools():
            pool[:] = [task for task in pool if not (task.done() and (task.cancelled() or task.exception()))]

    def _kernel_pools(self) -> list[list[Any]]:
        return list(getattr(self, "_pools", {}).values())

    def _waiting(self) -> list[str]:
        """The kernels that have started and wait for a visitor."""
        done = [task for pool in self._kernel_pools() for task in pool if task.done()]
        return [task.result()["kernel_id"] for task in done if not (task.cancelled() or task.exception())]

    def _full(self) -> bool:
        return len({*self.list_kernel_ids(), *self._starting}) >= self.limit or free_memory() < ROOM

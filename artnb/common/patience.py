"""Bytes that a reader gets only as long as it does not take too long over them."""

import gc
import io
import threading
import time

_GARBAGE = threading.local()  # since when, and for how long in all, a thread has collected it


def _collecting(phase: str, _: dict[str, int]) -> None:
    now = time.thread_time()
    if phase == "stop":
        _GARBAGE.seconds = getattr(_GARBAGE, "seconds", 0.0) + now - getattr(_GARBAGE, "since", now)
    _GARBAGE.since = now


gc.callbacks.append(_collecting)


def _worked() -> float:
    return time.thread_time() - getattr(_GARBAGE, "seconds", 0.0)


class Impatient(io.BytesIO):
    """A file whose reader may take half a second, or what it is allowed later.

    A loop over 200 MB of one-byte blocks takes Pillow a minute and gigabytes. The processor time of this thread
    counts, not the clock on the wall, so a busy machine changes nothing; decoding mostly takes a tenth of it. What
    Python's garbage collector takes meanwhile does not count: beside a few trained networks that is seconds.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.allow(0.5)

    def allow(self, seconds: float) -> None:
        """From now on, so many seconds of processor time."""
        self._until = _worked() + seconds

    def read(self, size: int | None = -1, /) -> bytes:
        """As of any file.

        Raises:
            RuntimeError: the time is over.
        """
        if _worked() > self._until:
            raise RuntimeError("reading takes too long")  # of an OSError Pillow would make a warning
        return super().read(size)

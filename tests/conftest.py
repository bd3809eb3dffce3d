"""What the tests share."""

import ctypes
import gc
import sys
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from artnb import models
from artnb.cards import Card
from artnb.common.files import sha256
from artnb.settings import using

CHECKOUT = Path(__file__).resolve().parents[1]
SHARED = CHECKOUT.parent / "shared" / "data"


def resealed(folder: Path, **changes) -> Path:
    """A model's folder whose card names its files as they are now, with other things said in it."""
    card = Card.load(folder)
    files = {name: sha256(folder / name) for name in card.files if (folder / name).is_file()}
    page = (folder / "README.md").read_text(encoding="utf-8")
    models.write_card(folder, replace(card, **{"files": files} | changes), page)
    return folder


def paintings_of(collection):
    """What `choose_artists` would give of a collection, each file a painting of its own."""
    table = collection.paintings.sort_values("path", ignore_index=True)
    digests = [sha256(collection.file(path)) for path in table["path"]]
    return table.assign(group=range(len(table)), sha256=digests)


def draw(file: Path, seed: int, size: tuple[int, int] = (64, 48)) -> Path:
    """Write a small picture of coloured noise, another one for each seed."""
    file.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC).save(file)
    return file


# A cell whose output comes six seconds after the answer that it has ended, as on a busy machine.
LATE = """import time
kernel = get_ipython().kernel
def publish(status, *rest, publish=kernel._publish_status):
    if status == "idle":
        time.sleep(6)
        print("late", flush=True)
    publish(status, *rest)
kernel._publish_status = publish"""


@pytest.fixture(autouse=True, scope="session")
def quickly_traced():
    """Graphs that run a few times on small pictures: to optimise one takes longer than it saves."""
    gc.freeze()  # what was imported stays; to look through it again and again is a tenth of a graph's tracing
    gc.set_threshold(100_000)
    if "tensorflow" in sys.modules:  # imported when the tests were collected
        import tensorflow as tf

        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


@pytest.fixture
def eager():
    """Graphs of so few steps cost more than they save."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(autouse=True, scope="module")
def memory_given_back():
    """What a module's tests have left goes back to the system, so that one process of tests stays within its budget."""
    yield
    gc.collect()
    with suppress(OSError, AttributeError):  # no glibc
        ctypes.CDLL("libc.so.6").malloc_trim(0)


@pytest.fixture
def use():
    """Settings of one's own for the rest of a test: `use(home=tmp_path)`."""
    with ExitStack() as stack:
        yield lambda **changes: stack.enter_context(using(**changes))


@pytest.fixture(scope="session")
def shared_paintings() -> Path:
    """The folder of real paintings; tests that need it are skipped where it isn't."""
    folder = SHARED / "best-artworks-of-all-time"
    if not folder.is_dir():
        pytest.skip("the shared real paintings are not on this machine")
    return folder


@pytest.fixture(scope="session")
def studio():
    """The built-in collection."""
    from artnb.paintings.sources import load_collection

    return load_collection()

"""What the tests share."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

CHECKOUT = Path(__file__).resolve().parents[1]
SHARED = CHECKOUT.parent / "shared" / "data"


def draw(file: Path, seed: int, size: tuple[int, int] = (64, 48)) -> Path:
    """Write a small picture of coloured noise, another one for each seed."""
    file.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC).save(file)
    return file


@pytest.fixture(scope="session")
def shared_paintings() -> Path:
    """The folder of real paintings; tests that need it are skipped where it isn't."""
    folder = SHARED / "best-artworks-of-all-time"
    if not folder.is_dir():
        pytest.skip("the shared real paintings are not on this machine")
    return folder


@pytest.fixture(scope="session")
def studio():
    """The built-in collection; painted once, then from its cache."""
    from artnb.paintings.sources import load_collection

    return load_collection()

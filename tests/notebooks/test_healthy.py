"""Notebooks 1 and 2 on collections of one's own: few artists, many artists, and no painting twice."""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests.conftest import CHECKOUT

RUN = """
import sys
import nbformat
from nbclient import NotebookClient
NotebookClient(nbformat.read(sys.argv[1], as_version=4), timeout=600, kernel_name="python3").execute()
"""


def paint(root, artists, number):
    """Paintings of coarse blocks, and never one painting twice."""
    for artist in range(artists):
        folder = root / "images" / f"Painter_{artist:02}"
        folder.mkdir(parents=True)
        for index in range(number):
            random = np.random.default_rng([artist, index])
            blocks = random.normal(random.uniform(60, 200, 3), 60, (12, 10, 3)).clip(0, 255).astype(np.uint8)
            picture = Image.fromarray(blocks).resize((80, 96), Image.Resampling.BICUBIC)
            picture.save(folder / f"{index:02}.jpg", quality=90)


@pytest.mark.parametrize(("artists", "number"), [(3, 30), (60, 20)])
@pytest.mark.parametrize("notebook", ["01", "02"])
def test_a_healthy_folder_stops_no_notebook(notebook, artists, number, tmp_path):
    (source,) = (CHECKOUT / "notebooks").glob(f"{notebook}_*.ipynb")
    paint(tmp_path / "mine", artists, number)
    where = {"ARTNB_DATA": str(tmp_path / "mine"), "ARTNB_HOME": str(tmp_path / "home"), "PYTHONPATH": str(CHECKOUT)}
    command = [sys.executable, "-c", RUN, str(source)]
    done = subprocess.run(command, env=os.environ | where, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]

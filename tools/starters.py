"""Make a starter of a model: `python tools/starters.py MODEL NAME` copies it into the package at half precision.

Nothing is measured anew; `benchmarks/` says what the rounding costs.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from shutil import copyfile
from typing import Any

import h5py
import numpy as np

from artnb import models
from artnb.cards import Card
from artnb.common.files import sha256


def make_starter(model: str | Path, name: str) -> Path:
    """Copy a model into the package, its weights as float16 and compressed: what a starter's size allows.

    Returns:
        The folder.

    Raises:
        ModelError: there is no such model, or it is damaged.
    """
    target = models.STARTERS / name
    source = models.find(model)
    models.check_whole(source)
    models.copy_model(source, target, _copy)
    card = Card.load(target)
    card = replace(card, files={file: sha256(target / file) for file in card.files})
    models.write_card(target, card, (target / "README.md").read_text(encoding="utf-8"))
    return target


def _copy(source: Path, target: Path) -> None:
    if not source.name.endswith(".weights.h5"):
        copyfile(source, target)
        return
    with h5py.File(source) as whole, h5py.File(target, "w") as half:

        def copy(path: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset):
                values = np.asarray(item)
                if values.dtype == np.float32 and np.abs(values).max(initial=0) < np.finfo(np.float16).max:
                    values = values.astype(np.float16)
                half.create_dataset(path, data=values, **({"compression": "gzip"} if values.ndim else {}))
            else:
                half.require_group(path)
            for key, value in item.attrs.items():
                half[path].attrs[key] = value

        whole.visititems(copy)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="a name, or the folder of a model")
    parser.add_argument("name", help="of the starter")
    chosen = parser.parse_args()
    print(make_starter(chosen.model, chosen.name))

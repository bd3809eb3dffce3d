"""Make a fast painter that ships: `python -m tools.painters NAME` trains it, or resumes that, and copies it.

`starter-painters` learns from two collections, the one in use and the studio, from the training part of each one's
split; `starter-painter` from each single work of the collection in use. `--only-train` copies nothing.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from artnb.backbones import shared_backbone
from artnb.images import fit, load_image
from artnb.paintings.sources import load_collection
from artnb.settings import settings, using
from artnb.style.fast import FastRecipe, Material, PainterModel, collect_material, train_painter
from artnb.style.fast.recipes import STYLE_LAYERS
from artnb.style.fast.styles import measure_style
from tools.starters import make_starter

# Painters whose works are free, and whose brushes differ.
PAINTERS = (
    "Vincent van Gogh",
    "Claude Monet",
    "Georges Seurat",
    "Paul Cezanne",
    "Pierre-Auguste Renoir",
    "Edgar Degas",
    "Edvard Munch",
    "Gustav Klimt",
    "William Turner",
    "Rembrandt",
    "Albrecht Dürer",
    "El Greco",
    "Henri Rousseau",
    "Amedeo Modigliani",
    "Paul Klee",
    "Vasiliy Kandinskiy",
)
# One training after the other, each from the weights of the one before: the second makes the strokes bolder.
RECIPES = {
    "starter-painters": (FastRecipe(steps=9_000, content_weight=0.08),),
    "starter-painter": (FastRecipe(any_style=True),),
}
WORKS = 8  # of each painter


def real_material() -> Material:
    """The works of those PAINTERS that are in the collection in use."""
    here = set(load_collection().paintings["artist"])
    return collect_material([name for name in PAINTERS if name in here])


def painters_material() -> Material:
    """Works of each in one manner; and of the studio's painters, whose pictures belong to a split of their own."""
    real = real_material()
    with using(source="studio", data=None, monet_data=None):
        studio = collect_material(tuple(sorted(set(load_collection().paintings["artist"]))))
    return replace(real, works={**own_manner(real.works), **own_manner(studio.works)})


def own_manner(works: Mapping[str, Sequence[Path]], number: int = WORKS) -> dict[str, tuple[Path, ...]]:
    """Works of each painter that have one manner, the one that is most their own.

    The mean Gram matrices of all works of a painter are nearly those of any painter: early and late works, drawings and
    oils are averaged. So of each work and those most like it, the group is taken whose mean is farthest from the other
    painters', in units of how much its works differ. The paler half of the works, sketches often, stays out.
    """
    judge, size = shared_backbone("efficientnet-lite0"), FastRecipe().style_size
    pictures = {name: np.array(files, object) for name, files in works.items()}
    for name, files in pictures.items():
        colourful = np.array([np.ptp(fit(load_image(file), 64).astype(int), axis=-1).mean() for file in files])
        pictures[name] = files[colourful >= np.median(colourful)]
    grams = {
        name: [measure_style(name, [file], judge, size, sort=False).grams for file in files]
        for name, files in pictures.items()
    }
    units = {
        layer: np.mean([np.mean([np.diag(gram[layer]) for gram in some], 0) for some in grams.values()], 0)
        for layer in STYLE_LAYERS
    }
    roots = {layer: np.sqrt(energy + 0.01 * energy.mean()) for layer, energy in units.items()}

    def point(gram: Mapping[str, np.ndarray]) -> np.ndarray:
        return np.concatenate([(gram[name] / np.outer(root, root) / len(root)).ravel() for name, root in roots.items()])

    points = {name: np.stack([point(gram) for gram in some]) for name, some in grams.items()}
    means = {name: some.mean(0) for name, some in points.items()}
    chosen = {}
    for name, some in points.items():
        others = np.mean([mean for other, mean in means.items() if other != name] or [0 * means[name]], 0)
        apart = np.linalg.norm(some[:, None] - some[None], axis=-1)
        groups = np.argsort(apart, axis=1)[:, :number]
        centres = some[groups].mean(1)
        spread = np.linalg.norm(some[groups] - centres[:, None], axis=-1).mean(1)
        best = groups[np.argmax(np.linalg.norm(centres - others, axis=-1) / (spread + 1e-6))]
        chosen[name] = tuple(pictures[name][best])
    return chosen


def pictures_material() -> Material:
    """Each work that may be painted like, a style of its own."""
    painters = collect_material(most_works=10_000)
    works = {
        f"{name}, {number}": (file,) for name, files in painters.works.items() for number, file in enumerate(files, 1)
    }
    return replace(painters, works=works)


MATERIAL = {"starter-painters": painters_material, "starter-painter": pictures_material}


def train_starter_painter(name: str, start: str | Path | None = None) -> PainterModel:
    """Train a painter that ships, or resume its trainings, in the folder in use.

    Args:
        name: a key of RECIPES.
        start: a painter whose weights the first training begins with.

    Raises:
        ArtnbError: there are no pictures, or a training failed.
    """
    material, folder = MATERIAL[name](), settings.home / "models" / name
    *before, last = RECIPES[name]
    for number, recipe in enumerate(before, 1):
        start = train_painter(material, recipe, folder.with_name(f"{name}-{number}"), start=start, resume=True).folder
    return train_painter(material, last, folder, start=start, resume=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tools.painters", description=__doc__)
    parser.add_argument("name", choices=RECIPES, help="which")
    parser.add_argument("--start", metavar="MODEL", help="a painter whose weights it begins with")
    parser.add_argument("--only-train", action="store_true", help="don't copy it into the package")
    chosen = parser.parse_args()
    trained = train_starter_painter(chosen.name, start=chosen.start).folder
    print(trained if chosen.only_train else make_starter(trained, chosen.name))

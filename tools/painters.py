"""Make a fast painter that ships: `python -m tools.painters NAME` trains it, or resumes that, and copies it.

`starter-painters` learns from two collections, the one in use and the studio, from the training part of each one's
split; `starter-painter` from each single work of the collection in use. `--only-train` copies nothing.
"""

import argparse
from dataclasses import replace

from artnb.paintings.sources import load_collection
from artnb.settings import settings, using
from artnb.style.fast import FastRecipe, Material, PainterModel, collect_material, train_painter
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
RECIPES = {"starter-painters": FastRecipe(), "starter-painter": FastRecipe(any_style=True)}


def real_material() -> Material:
    """The works of those PAINTERS that are in the collection in use."""
    here = set(load_collection().paintings["artist"])
    return collect_material([name for name in PAINTERS if name in here])


def painters_material() -> Material:
    """The same, and the works of the studio's painters, whose pictures belong to a split of their own."""
    real = real_material()
    with using(source="studio", data=None, monet_data=None):
        studio = collect_material(tuple(sorted(set(load_collection().paintings["artist"]))))
    return replace(real, works={**real.works, **studio.works})


def pictures_material() -> Material:
    """Each work that may be painted like, a style of its own."""
    painters = collect_material(most_works=10_000)
    works = {
        f"{name}, {number}": (file,) for name, files in painters.works.items() for number, file in enumerate(files, 1)
    }
    return replace(painters, works=works)


MATERIAL = {"starter-painters": painters_material, "starter-painter": pictures_material}


def train_starter_painter(name: str, recipe: FastRecipe | None = None, start: str | None = None) -> PainterModel:
    """Train a painter that ships, or resume its training, in the folder in use.

    Args:
        name: a key of RECIPES.
        recipe: by default the starter's.
        start: a painter whose weights it begins with.

    Raises:
        ArtnbError: there are no pictures, or the training failed.
    """
    folder = settings.home / "models" / name
    return train_painter(MATERIAL[name](), recipe or RECIPES[name], folder, start=start, resume=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tools.painters", description=__doc__)
    parser.add_argument("name", choices=RECIPES, help="which")
    parser.add_argument("--start", metavar="MODEL", help="a painter whose weights it begins with")
    parser.add_argument("--only-train", action="store_true", help="don't copy it into the package")
    chosen = parser.parse_args()
    trained = train_starter_painter(chosen.name, start=chosen.start).folder
    print(trained if chosen.only_train else make_starter(trained, chosen.name))

"""A trained painter: called on a picture and a style it paints, and its folder holds the networks' weights."""

from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from artnb import models
from artnb.backbones import BackboneError, shared_backbone
from artnb.cards import Card, ModelError, damaged
from artnb.common.files import write_weights
from artnb.common.names import plain_name
from artnb.common.resuming import in_use
from artnb.common.seeding import seed_or_default
from artnb.errors import RecipeError, TrainingError, read_settings
from artnb.images import ImageLike, as_list, load_image
from artnb.paintings.pipeline import decode
from artnb.style.colours import Palette
from artnb.style.fast.brush import Brush, Manner
from artnb.style.fast.evaluation import evaluate_painter
from artnb.style.fast.material import Material
from artnb.style.fast.networks import FastNetworks
from artnb.style.fast.page import painter_page
from artnb.style.fast.recipes import FastRecipe
from artnb.style.fast.styles import Style, mean_palette, measure_style, measure_styles
from artnb.style.fast.training import FastTraining, FastWatch, photo_size, train_brush
from artnb.style.inputs import mask_levels, style_shares
from artnb.style.state import StyleError

_JUDGE = "efficientnet-lite0"


class PainterModel:
    """A painter with all that is known of it; from `load_model` or `train_painter`.

    >>> load_model("starter-painters")("photo.jpg", "Vincent van Gogh")  # doctest: +SKIP
    array([[[ 93, 118, 141], ...

    Attributes:
        card: what it is; `card.styles` are the names of the styles that it knows.
        networks: with their weights.
        recipe: how it was trained.
        palettes: of its styles, in their order.
        statistics: of its styles, float32 (styles, n).
        folder: where it is saved.
        identity: the SHA-256 of its card.json, as it was read or written.
    """

    def __init__(
        self,
        card: Card,
        networks: FastNetworks,
        palettes: Sequence[Palette],
        statistics: np.ndarray,
        folder: Path,
        identity: str = "",
    ):
        self.card, self.networks, self.folder, self.identity = card, networks, folder, identity
        self.recipe = read_settings(FastRecipe, card.recipe)
        self.palettes, self.statistics = tuple(palettes), statistics

    def __call__(
        self,
        pictures: Any,
        style: Any = None,
        *,
        weights: Sequence[float] | None = None,
        mask: ImageLike | None = None,
        strength: float = 1.0,
        keep_colours: bool = False,
        stroke: float = 1.0,
    ) -> Any:
        """Paint a picture, or each of a list, of any size.

        Args:
            pictures: whatever `load_image` takes, or a list of these, or an array (n, height, width, 3).
            style: a name of `card.styles`; of a painter for any style, also a picture; or a list of these, which are
                blended. A painter of one style needs none.
            weights: how much each style counts; None for all the same.
            mask: a picture, or a bool (height, width): painted where it is light.
            strength: from 0, the picture as it is, to 1.
            keep_colours: paint in lightness only, over the picture's colours.
            stroke: how large the strokes are, from 0.25 to 8.

        Returns:
            uint8 (height, width, 3), of the picture's size; of a list, a list.

        Raises:
            StyleError: there is no such style, or another argument can't be used.
            ImageError: a picture is missing, broken, too large or no picture.
        """
        manner = self.manner(style, weights, strength, keep_colours, stroke)
        light = None if mask is None else mask_levels(mask)
        pictures, several = as_list(pictures)
        results = [self.brush.paint(load_image(picture), manner, light) for picture in pictures]
        return results if several else results[0]

    @cached_property
    def brush(self) -> Brush:
        """What paints, one picture at a time, or the frames of a film."""
        return Brush(self.networks, self.recipe)

    def manner(
        self,
        style: Any = None,
        weights: Sequence[float] | None = None,
        strength: float = 1.0,
        keep_colours: bool = False,
        stroke: float = 1.0,
    ) -> Manner:
        """How `brush` is to paint; the arguments are those of a call."""
        if style is None and len(self.card.styles) > 1:
            raise StyleError(f"{self.card.title} knows several styles; name one or more of {_names(self.card.styles)}.")
        wanted = [self.card.styles[0]] if style is None else as_list(style)[0]
        shares = style_shares(len(wanted), weights)
        codes, palettes, _ = zip(*map(self._style, wanted), strict=True)
        code = np.tensordot(shares, codes, 1).astype(np.float32)
        return Manner(code, mean_palette(palettes, shares), strength, keep_colours, stroke)

    def fidelity(
        self, painting: np.ndarray, photo: np.ndarray, styles: Sequence[Any], weights: Sequence[float] | None = None
    ) -> float:
        """How much of a style a painting has: 1 for the style's own statistics, 0 for the photograph's or none.

        Args:
            painting: uint8 (height, width, 3).
            photo: what it was painted from, likewise.
            styles: as of `manner`, a list.
            weights: how much each counts.
        """
        shares = style_shares(len(styles), weights)
        target = np.tensordot(shares, [self._style(style)[2] for style in styles], 1)
        after, before = (
            float(np.linalg.norm(self._seen(picture).statistics - target)) for picture in (painting, photo)
        )
        return 1 - after / max(before, 1e-6)

    def _style(self, style: Any) -> tuple[np.ndarray, Palette, np.ndarray]:
        """The code, the palette and the statistics of a name or a picture."""
        if isinstance(style, str) and (row := self._row(style)) is not None:
            return self._code(self.networks.rows(self.statistics)[row]), self.palettes[row], self.statistics[row]
        if self.networks.predictor is None:
            what = repr(style[:80]) if isinstance(style, str) else "like a picture"
            raise StyleError(f"{self.card.title} can't paint {what}; it knows {_names(self.card.styles)}.")
        found = self._seen(load_image(style))
        return self._code(found.statistics), found.palette, found.statistics

    def _seen(self, picture: np.ndarray) -> Style:
        return measure_style("picture", [picture], shared_backbone(_JUDGE), self.recipe.style_size, sort=False)

    def _row(self, name: str) -> int | None:
        """The row of a style, whose name may be written in small letters and without accents."""
        if name in self.card.styles:  # two may differ in accents only
            return self.card.styles.index(name)
        names = list(map(plain_name, self.card.styles))
        return names.index(plain_name(name)) if plain_name(name) in names else None

    def _code(self, row: np.ndarray) -> np.ndarray:
        return np.asarray(self.networks.codes(row[None]))[0]

    @cached_property
    def history(self) -> pd.DataFrame:
        """A row for every few steps, see `FastTraining`."""
        file = models.check_file(self.folder, self.card, "history.csv")
        try:
            return pd.read_csv(file)
        except (OSError, ValueError) as error:
            raise damaged(self.folder, f"history.csv: {type(error).__name__}") from error

    @classmethod
    def read(cls, folder: Path, card: Card, identity: str) -> "PainterModel":
        """Build a saved model's networks and fill them; use `artnb.load_model`, which checks the files first.

        Raises:
            ModelError: a file is another network's, or can't be read.
        """
        number = len(card.styles)
        try:
            recipe = read_settings(FastRecipe, card.recipe)
            with np.load(folder / "styles.npz", allow_pickle=False) as saved:
                means, covariances, statistics = (saved[name] for name in ("means", "covariances", "statistics"))
            if (means.shape, covariances.shape, statistics.shape[:1]) != ((number, 3), (number, 3, 3), (number,)):
                raise ValueError("other styles than the card's")
            if not all(np.isfinite(each).all() for each in (means, covariances, statistics)):
                raise ValueError("numbers that are none")
            networks = FastNetworks.build(recipe, statistics)
            networks.painter.load_weights(folder / "painter.weights.h5")
            if networks.predictor is not None:
                networks.predictor.load_weights(models.check_file(folder, card, "predictor.weights.h5"))
        except RecipeError as error:
            raise ModelError(f"The model {folder.name!r} can't be built: {error}") from error
        except ModelError:
            raise
        except Exception as error:  # zipfile's own, NumPy's and HDF5's, for a file that is something else
            raise damaged(folder, f"{type(error).__name__} while its weights were read") from error
        return cls(card, networks, list(map(Palette, means, covariances)), statistics, folder, identity)


def _names(names: Sequence[str]) -> str:
    return ", ".join(names[:40]) + (" …" if len(names) > 40 else "")


def save_painter(
    training: FastTraining,
    folder: str | Path,
    source: str,
    metrics: Mapping[str, Mapping[str, Any]],
    pictures: Mapping[str, int],
    test: str = "",
    whole: str = "",
    start: Card | None = None,
) -> PainterModel:
    """Save a finished training.

    Args:
        training: what `train_brush` returned.
        folder: where to; what else lies in it stays.
        source: of the pictures.
        metrics: what `evaluate_painter` found, by judge.
        pictures: how many of which.
        test: the digest of the photographs that it was measured on.
        whole: the digest of the split that all pictures are a part of.
        start: the card of the model whose weights it began with.
    """
    folder, history, recipe, styles = Path(folder), training.history, training.recipe, training.styles
    statistics = np.stack([style.statistics for style in styles]).astype(np.float32)
    palettes = [style.palette for style in styles]

    def write_styles(file: Path) -> None:
        with file.open("wb") as stream:
            np.savez(
                stream,
                means=np.stack([each.mean for each in palettes]),
                covariances=np.stack([each.covariance for each in palettes]),
                statistics=statistics,
            )

    writers: dict[str, Any] = {"painter.weights.h5": partial(write_weights, training.networks.painter)}
    if training.networks.predictor is not None:
        writers["predictor.weights.h5"] = partial(write_weights, training.networks.predictor)
    kind = "any style" if recipe.any_style else "one style" if len(styles) == 1 else f"{len(styles)} styles"
    card, identity = models.save_model(
        folder,
        {
            "kind": "painter",
            "title": f"Fast painter of {kind}",
            "recipe": recipe.to_dict(),
            "seed": training.seed,
            "source": source,
            "metrics": metrics,
            "seconds": round(float(history["seconds"].sum()), 1),
            "styles": [style.name for style in styles],
            "parameters": sum(network.count_params() for network in training.networks.all),
            "steps": int(history["step"].iloc[-1]) if len(history) else 0,
            "pictures": dict(pictures),
            "test": test,
            "whole": whole,
            "started": {} if start is None else start.start,
            "made": {"precision": training.precision},
        },
        writers | {"styles.npz": write_styles, "history.csv": lambda file: history.to_csv(file, index=False)},
        painter_page,
    )
    return PainterModel(card, training.networks, palettes, statistics, folder, identity)


def train_painter(
    material: Material,
    recipe: FastRecipe,
    folder: str | Path,
    seed: int | None = None,
    start: str | Path | None = None,
    resume: bool = False,
    watch: FastWatch | None = None,
) -> PainterModel:
    """Decode, train, measure and save: what `artnb train painter` does.

    Args:
        material: photographs, and the works of each style.
        recipe: how.
        folder: of the model, also of its checkpoint.
        seed: by default `ARTNB_SEED`.
        start: a painter whose weights the training begins with.
        resume: whether to resume a training in the folder.
        watch: see `training.train_brush`.

    Raises:
        TrainingError: see `training.train_brush`.
        ModelError: there is no model `start`.
        BackboneError: EfficientNet-Lite0's weights, which judge, are not here.
        KeyboardInterrupt: it was stopped.
    """
    seed = seed_or_default(seed)
    begun: PainterModel | None = None if start is None else models.load_model(start, "painter")
    try:
        judge = shared_backbone(_JUDGE)
    except BackboneError as error:
        raise TrainingError(f"A painter is trained by what EfficientNet-Lite0 sees. {error}") from error
    with in_use(Path(folder), TrainingError):
        photos = decode(material.photos, photo_size(recipe))
        styles = measure_styles(material.works, recipe, judge)
        networks = begun.networks if begun else None
        done = train_brush(photos, styles, recipe, judge, folder, seed=seed, start=networks, resume=resume, watch=watch)
        if done.stopped:
            raise KeyboardInterrupt
        brush = Brush(done.networks, recipe)
        metrics = evaluate_painter(brush, done, material.test_photos, material.works)
        return save_painter(
            done,
            folder,
            material.source,
            metrics,
            material.counts(),
            material.test,
            material.whole,
            begun.card if begun else None,
        )

"""Training a fast painter: the optimiser's cost, minimised over a network's weights instead of a picture's pixels.

In each step photographs are recoloured to styles' palettes, the network paints them, and a judge compares the paintings
with the styles and with the recoloured photographs.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tensorflow as tf

from artnb.backbones import Backbone, check_judge
from artnb.common.precision import FULL, training_policy, under
from artnb.common.releasing import released_graphs
from artnb.common.resuming import digest, in_use
from artnb.common.seeding import seed_or_default, seeded
from artnb.errors import TrainingError
from artnb.images import contact_sheet, fit, save_image
from artnb.losses import (
    coarse_colour_loss,
    content_loss,
    content_target,
    style_loss,
    style_target,
    total_variation,
)
from artnb.paintings.pipeline import Augmentation, augment
from artnb.stepping import StepTraining, adam, check_pace, endless_order
from artnb.style.colours import moved, palette
from artnb.style.fast.networks import NOISE, FastNetworks, painted, seen
from artnb.style.fast.recipes import FastRecipe
from artnb.style.fast.styles import Style, distributions, looking

LOSSES = ("cost", "style", "content", "tv", "colour")
MARGIN = 1.5  # photographs are read so much larger than the squares that are trained on

_SQUARES = Augmentation(flip=True, crop=(0.6, 1.0))
_FAINT = 0.05  # of the mean variance is added to each direction's, before it is a unit: some styles have none of one
_SHOWN = 4  # photographs, and styles, on a sheet of samples
FastWatch = Callable[[pd.DataFrame, list[np.ndarray]], bool | None]


@dataclass(frozen=True)
class FastTraining:
    """A training that is finished, or was stopped.

    Attributes:
        networks: as they were at the end.
        styles: what it learned to paint like, in the order of the table.
        history: a row for every few steps, each a mean over these: step, seconds, learning_rate and LOSSES; style and
            content in units of `artnb.losses`, before their weights.
        recipe: how.
        seed: of the weights, the order and the squares.
        stopped: why it ended early, a sentence; otherwise empty.
        precision: the Keras policy that the painter was under; the weights are float32.
    """

    networks: FastNetworks
    styles: tuple[Style, ...]
    history: pd.DataFrame
    recipe: FastRecipe
    seed: int
    stopped: str = ""
    precision: str = FULL


@released_graphs()
def train_brush(
    photos: np.ndarray,
    styles: Sequence[Style],
    recipe: FastRecipe,
    backbone: Backbone,
    folder: str | Path | None = None,
    *,
    seed: int | None = None,
    start: FastNetworks | None = None,
    resume: bool = False,
    every: int = 20,
    keep_every: int = 250,
    watch: FastWatch | None = None,
) -> FastTraining:
    """Train a painter.

    Args:
        photos: uint8 (n, side, side, 3), with sides of `photo_size(recipe)`, say.
        styles: of `measure_styles`, by this recipe and this network.
        recipe: how.
        backbone: the network that judges, with its weights.
        folder: where the state, the history, sample pictures and TensorBoard's logs go; None to keep nothing.
        seed: of the weights, the order and the squares.
        start: networks of another training whose weights it begins with; a table of another number of styles begins
            anew; by default they are random.
        resume: resume the training in `folder`; begin if there is none.
        every: steps between two rows of the history.
        keep_every: steps between two savings of the state: at most so many are lost.
        watch: called with the history and sample pictures whenever the state is saved; returns False to stop.

    Returns:
        The networks; as they are, if `watch` or Ctrl-C ended it early.

    Raises:
        TrainingError: photographs or styles that can't be used; the folder holds a training and `resume` is not set,
            or it holds another one or a damaged one.
        DivergenceError: a loss became no number.
        BackboneError: the judge is untrained, or lacks a layer.
    """
    seed, styles = seed_or_default(seed), tuple(styles)
    check_pace(every, keep_every)
    check_judge(backbone)
    if photos.ndim != 4 or photos.shape[-1] != 3 or not len(photos):
        raise TrainingError(f"Got photographs of shape {photos.shape}; give one or more, as (n, side, side, 3).")
    if not styles or len({style.name for style in styles}) < len(styles):
        raise TrainingError(f"Got {len(styles)} styles; give one or more, each with a name of its own.")
    with nullcontext() if folder is None else in_use(Path(folder), TrainingError):
        statistics = np.stack([style.statistics for style in styles])
        policy = training_policy()
        if policy == "mixed_float16":  # its loss would be scaled for two optimisers, and a GPU is fast anyway
            policy = FULL
        with under(policy), seeded(seed):
            networks = FastNetworks.build(recipe, statistics)
        if start is not None:
            _begin_with(start, networks)
        teacher = _Teacher(networks, styles, recipe, backbone)
        run = StepTraining(
            folder, _identity(recipe, photos, styles, seed, start), LOSSES, teacher.variables, teacher.rate, resume
        )
        step = tf.function(teacher.step, autograph=False)
        batches = iter(_batches(photos, styles, recipe, seed, run.done))
        samples = [fit(photo, recipe.size) for photo in photos[:: max(1, len(photos) // _SHOWN)][:_SHOWN]]

        def one(done: int) -> tf.Tensor:
            pictures, chosen = next(batches)
            weight = tf.constant(recipe.content_weight_at(done), tf.float32)
            return step(pictures, chosen, weight, tf.constant([seed, done]))

        def kept() -> bool | None:
            shown = _show(run, teacher, samples)
            return None if watch is None else watch(run.history, shown)

        stopped = run.run(
            one, recipe.steps, every=every, keep_every=keep_every, what="painter", told={"style": "style"}, kept=kept
        )
        if policy != FULL:
            trained, networks = networks, FastNetworks.build(recipe, statistics)
            for old, new in zip(trained.all, networks.all, strict=True):
                new.set_weights(old.get_weights())
        return FastTraining(networks, styles, run.history, recipe, seed, stopped, policy)


def photo_size(recipe: FastRecipe) -> int:
    """The pixels that photographs are read at, so that squares of the recipe's size can be cut out of them."""
    return round(recipe.size * MARGIN)


class _Teacher:
    """All that a training is made of: networks, optimisers, and what the styles look like to the judge."""

    def __init__(self, networks: FastNetworks, styles: Sequence[Style], recipe: FastRecipe, backbone: Backbone):
        self.networks, self.recipe, self.styles = networks, recipe, styles
        self.see = looking(backbone, tuple(dict.fromkeys([*recipe.style_layers, *recipe.content_layers])))
        self.quantiles = {
            name: tf.constant(np.stack([style.quantiles[name] for style in styles])) for name in recipe.style_layers
        }
        self.rows = tf.constant(networks.rows(np.stack([style.statistics for style in styles])))
        trained = networks.painter.trainable_variables
        of_code = [v for v in trained if v.path.endswith(("_norm/scales", "_norm/shifts"))]
        if networks.predictor is not None:
            of_code += networks.predictor.trainable_variables
        brush = [v for v in trained if not any(v is other for other in of_code)]
        self.parts = [brush, of_code]
        rates = recipe.learning_rate, recipe.learning_rate * recipe.code_rate
        self.optimisers = [adam(rate, recipe.steps, recipe.decay_from, 0.9, scaled=False) for rate in rates]
        for optimiser, part in zip(self.optimisers, self.parts, strict=True):
            optimiser.build(part)
        self.variables = [v for network in networks.all for v in network.variables]
        self.variables += [v for optimiser in self.optimisers for v in optimiser.variables]

    def rate(self) -> float:
        """The learning rate of the next step."""
        return float(self.optimisers[0].learning_rate)

    def paint(self, pictures: tf.Tensor, chosen: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Recoloured photographs like the styles of some rows; `seed` tells which part of the noise they see."""
        codes = self.networks.codes(tf.gather(self.rows, chosen))
        size = pictures.shape[1]
        first = tf.random.stateless_uniform([2], seed, 0, len(NOISE), tf.int32)
        rolled = tf.roll(tf.constant(NOISE), first, (0, 1))
        noise = tf.tile(rolled, [-(-size // len(NOISE))] * 2 + [1])[:size, :size]
        seeing = seen(pictures, tf.repeat(noise[None], pictures.shape[0], 0))
        return painted(pictures, self.networks.painter((seeing, codes), training=True))

    def step(self, pictures: tf.Tensor, chosen: tf.Tensor, content_weight: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """One step: (5,), the losses as LOSSES.

        Args:
            pictures: float32 (batch, size, size, 3), each in the colours of its style.
            chosen: int32 (batch,), the rows of the styles.
            content_weight: of the content loss, a scalar.
            seed: two whole numbers, of the shift.
        """
        recipe = self.recipe
        shift = tf.random.stateless_uniform(
            [2], seed + tf.constant([7, 0]), -recipe.jitter, recipe.jitter + 1, tf.int32
        )
        before = self.see(tf.roll(pictures, shift, (1, 2)))
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([v.value for part in self.parts for v in part])
            paintings = self.paint(pictures, chosen, seed + tf.constant([13, 0]))
            after = self.see(tf.roll(paintings, shift, (1, 2)))
            style = self._style(after, before, chosen)
            content = self._content(after, before)
            variation = total_variation(paintings)
            colour = coarse_colour_loss(paintings, pictures)
            cost = style + content_weight * content + recipe.tv_weight * variation + recipe.colour_weight * colour
        gradients = tape.gradient(cost, [[v.value for v in part] for part in self.parts])
        for optimiser, slopes, part in zip(self.optimisers, gradients, self.parts, strict=True):
            optimiser.apply(slopes, part)
        return tf.stack([cost, style, content, variation, colour])

    def _style(self, after: dict[str, tf.Tensor], before: dict[str, tf.Tensor], chosen: tf.Tensor) -> tf.Tensor:
        """The weighted mean over layers and pictures; faint directions count as much as strong ones."""
        weights = self.recipe.style_layers
        terms = []
        for name, weight in weights.items():
            found, own = (distributions(features[name]) for features in (after, before))
            wanted = tf.gather(self.quantiles[name], chosen)
            variance = tf.math.reduce_variance(wanted, -1, keepdims=True)
            root = tf.sqrt(variance + _FAINT * tf.reduce_mean(variance, 1, keepdims=True) + 1e-6)
            for one, target, reference in zip(*(tf.unstack(each / root) for each in (found, wanted, own)), strict=True):
                terms.append(weight * style_loss(one, style_target(target, reference)))
        return tf.add_n(terms) / (sum(weights.values()) * chosen.shape[0])

    def _content(self, after: dict[str, tf.Tensor], before: dict[str, tf.Tensor]) -> tf.Tensor:
        """Likewise."""
        weights, number = self.recipe.content_layers, after[next(iter(after))].shape[0]
        terms = [
            weight * content_loss(found, content_target(own))
            for name, weight in weights.items()
            for found, own in zip(*(tf.split(features[name], number) for features in (after, before)), strict=True)
        ]
        return tf.add_n(terms) / (sum(weights.values()) * number)


def _batches(
    photos: np.ndarray, styles: Sequence[Style], recipe: FastRecipe, seed: int, first: int
) -> Iterator[tuple[tf.Tensor, tf.Tensor]]:
    """From step `first` on: squares of photographs in the colours of styles, and the styles' rows.

    Every photograph comes once before any comes again, and so does every style.
    """
    pictures, chosen = (
        endless_order(number, seed + offset, recipe.steps * recipe.batch_size).reshape(-1, recipe.batch_size)
        for offset, number in enumerate((len(photos), len(styles)))
    )
    everything = tf.constant(photos)

    def recoloured(squares: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return np.stack(
            [moved(square, palette(square), styles[row].palette) for square, row in zip(squares, rows, strict=True)]
        )

    def batch(step: tf.Tensor, of_photos: tf.Tensor, of_styles: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        squares = augment(tf.gather(everything, of_photos), _SQUARES, [seed, step], recipe.size)
        done = tf.numpy_function(recoloured, [squares, of_styles], tf.float32, stateful=False)
        return tf.ensure_shape(done, (recipe.batch_size, recipe.size, recipe.size, 3)), of_styles

    steps = np.arange(first, recipe.steps)
    rows = tf.data.Dataset.from_tensor_slices((steps.astype(np.int32), pictures[first:], chosen[first:]))
    return rows.map(batch, tf.data.AUTOTUNE).prefetch(2)


def _begin_with(source: FastNetworks, target: FastNetworks) -> None:
    """Take over all convolutions, and of what belongs to styles as much as has the same shape."""
    for old, new in zip(source.all, target.all, strict=False):
        values = {variable.path: variable for variable in old.variables}
        for variable in new.variables:
            value = values.get(variable.path)
            if value is not None and value.shape == variable.shape:
                variable.assign(value)
            elif "_conv/" in variable.path:
                raise TrainingError(
                    "The model to start from has networks of another shape than the recipe's; start from one of the "
                    "same width, blocks and stem, or from none."
                )


def _identity(
    recipe: FastRecipe, photos: np.ndarray, styles: Sequence[Style], seed: int, start: FastNetworks | None
) -> dict[str, Any]:
    numbers = [each for style in styles for each in (*style.quantiles.values(), *style.palette, style.statistics)]
    identity: dict[str, Any] = {
        "recipe": recipe.to_dict(),
        "pictures": digest(photos),
        "styles": {"names": [style.name for style in styles], "numbers": digest(*numbers)},
        "seed": seed,
    }
    if start is not None:
        identity["start"] = digest(*(weights for network in start.all for weights in network.get_weights()))
    return identity


def _show(run: StepTraining, teacher: _Teacher, samples: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The samples, and below each of them how it is painted like the first styles."""
    shown = list(samples)
    for row, style in enumerate(teacher.styles[:_SHOWN]):
        pictures = np.stack([moved(sample, palette(sample), style.palette) for sample in samples])
        result = teacher.paint(tf.constant(pictures), tf.fill([len(samples)], row), tf.constant([0, 0]))
        shown += list((result.numpy().clip(0, 255) + 0.5).astype(np.uint8))
    if run.folder:
        sheet = contact_sheet(shown, len(samples), teacher.recipe.size)
        save_image(sheet, run.folder / "samples" / f"{run.done:07d}.jpg")
    return shown

"""A photograph painted like a painting, by optimising its pixels (Gatys, Ecker and Bethge, CVPR 2016).

A step is one pass forward and back in one compiled graph; what content and style look like is computed once a scale.
"""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from artnb.backbones import Backbone, check_backbone, shared_backbone
from artnb.common.progress import STOPPED, progress
from artnb.common.releasing import released_graphs
from artnb.common.resuming import digest
from artnb.common.seeding import seed_or_default
from artnb.errors import Allowed, check_value, whole
from artnb.images import ImageLike, as_list, load_image, resize
from artnb.style.colours import recolour
from artnb.style.inputs import mask_levels, masked, style_shares
from artnb.style.recipes import MIN_SIDE, RECIPES, StyleRecipe, default_recipe, style_recipe
from artnb.style.scene import TERMS, Scene, taps
from artnb.style.state import StyleError as StyleError
from artnb.style.state import read_state, state_file, write_state
from artnb.style.tiling import scene_for

Watch = Callable[[int, np.ndarray], bool | None]
HISTORY = ("step", "scale", *TERMS)
LAST_STEPS = 20  # at the whole size, of a transfer that was stopped before it came there
_BLOCK = 50  # steps of L-BFGS with one memory


@dataclass(frozen=True)
class Painting:
    """A style transfer that is finished, or was stopped.

    Attributes:
        image: uint8 (height, width, 3), the picture of the lowest cost at the last scale.
        history: a row per step: step (from 1), scale (share of the size), cost, content, style, tv, of the picture
            before that step; content and style in units of `artnb.losses`.
        recipe: how it was painted.
        backbone: what looked; says "untrained" of a network without its ImageNet weights.
        untrained: whether it is one.
        seed: of the noise.
        seconds_per_step: mean, without each scale's first step, which compiles.
        stopped: why it ended early, a sentence; otherwise empty.
        identity: what `transfer_identity` says of it.
    """

    image: np.ndarray
    history: pd.DataFrame
    recipe: StyleRecipe
    backbone: str
    untrained: bool
    seed: int
    seconds_per_step: float
    stopped: str = ""
    identity: str = ""


@released_graphs()
def stylize(
    content: ImageLike,
    styles: ImageLike | Sequence[ImageLike],
    recipe: StyleRecipe | str | None = None,
    *,
    weights: Sequence[float] | None = None,
    mask: ImageLike | None = None,
    seed: int | None = None,
    watch: Watch | None = None,
    every: int = 25,
    state: str | Path | None = None,
    backbone: Backbone | None = None,
    begin: ImageLike | None = None,
) -> Painting:
    """Paint a picture.

    Args:
        content: what to paint: whatever `load_image` takes.
        styles: one picture to paint like, or several to blend: a list, or an array (n, height, width, 3).
        recipe: how, or the name of a preset as `style_recipe` takes it; by default `default_recipe`.
        weights: how much each style counts; None for all the same.
        mask: a picture, or a bool (height, width): style where it is light, the content where it is dark.
        seed: of the noise that `recipe.start` may ask for.
        watch: called with the step and the picture so far, uint8, every `every` steps; returns False to stop.
        every: steps between two calls of `watch`, and between two savings of `state`, for L-BFGS about 50.
        state: a file that an interrupted transfer is saved in; if it is there, it is resumed.
        backbone: the recipe's network, by default with its ImageNet weights; an untrained one is given here on purpose.
        begin: a picture to begin with, such as a fast painter's, in place of what `recipe.start` says.

    Returns:
        The picture; the best so far if `watch`, Ctrl-C or a cost that is no number ended it early, brought to its
        whole size by `LAST_STEPS` steps if it was still a coarse one.

    Raises:
        StyleError: pictures, weights, mask, `watch` or `every` can't be used, or `state` is no file or another
            transfer's.
        RecipeError: there is no such preset, or its size is too small for a picture's shape.
        SettingsError: the seed can't be used.
        ImageError: a picture can't be read.
        BackboneError: the network's weights are not here, or it has no layer of a name in the recipe.
    """
    seed = seed_or_default(seed)
    recipe = default_recipe() if recipe is None else style_recipe(recipe) if isinstance(recipe, str) else recipe
    check_value(recipe, _RECIPE, "The recipe")
    check_value(watch, _WATCH, "The argument watch", StyleError)
    check_value(every, whole(1, 1_000_000), "The argument every", StyleError)
    file = None if state is None else state_file(state)
    photo, pictures, shares, light = _inputs(content, styles, weights, mask)
    first = None if begin is None else load_image(begin)
    for picture in (photo, *pictures):
        if min(picture.shape[:2]) < MIN_SIDE:
            raise StyleError(
                f"A picture of {picture.shape[1]} × {picture.shape[0]} pixels is too small to paint with; "
                f"give sides of {MIN_SIDE} or more."
            )
        sizes = recipe.sizes(*picture.shape[:2])  # a style is not made narrower than that either
    sizes, steps = recipe.sizes(*photo.shape[:2]), recipe.steps()
    backbone = shared_backbone(recipe.backbone) if backbone is None else backbone
    check_backbone(backbone)
    identity = _identity(recipe, photo, pictures, shares, light, seed, backbone, first)
    run = _Run(recipe, file, identity, watch, every)
    network = taps(backbone, recipe)

    def scene_at(size: tuple[int, int]) -> Scene:
        content = resize(photo, size)
        if recipe.recolour and not recipe.keep_colours:
            content = masked(content, recolour(content, pictures, weights=shares, strength=recipe.strength), light)
        return scene_for(recipe, size)(network, recipe, content, pictures, shares, light)

    with progress(None, "painting", sum(steps), "step") as bar:
        bar.update(len(run.history))
        for number in range(run.scale, len(sizes)):
            scene = scene_at(sizes[number])
            if run.image is None:
                size = sizes[number]
                run.image = scene.beginning(seed) if first is None else resize(first, size).astype(np.float32)
            elif run.image.shape[:2] != sizes[number]:
                run.image = scene.enlarged(run.image)
            run.paint(scene, number, steps, bar)
            if run.stopped:
                break
        assert run.image is not None
        if run.image.shape[:2] != sizes[-1]:
            scene = scene_at(sizes[-1])
            run.grow(scene, len(sizes) - 1, bar)
    if file is not None and run.stopped != STOPPED:  # finished, or in trouble that going on would meet again
        file.unlink(missing_ok=True)
    return Painting(
        image=scene.finished(run.image),
        history=pd.DataFrame(run.history, columns=list(HISTORY)),
        recipe=recipe,
        backbone=str(backbone),
        untrained=not backbone.trained,
        seed=seed,
        seconds_per_step=run.seconds / max(run.timed, 1),
        stopped=run.stopped,
        identity=identity,
    )


def transfer_identity(
    content: ImageLike,
    styles: ImageLike | Sequence[ImageLike],
    recipe: StyleRecipe,
    *,
    weights: Sequence[float] | None = None,
    mask: ImageLike | None = None,
    seed: int | None = None,
    backbone: Backbone,
    begin: ImageLike | None = None,
) -> str:
    """What distinguishes a transfer from others: 64 hexadecimal digits, from the arguments of `stylize`.

    Raises:
        StyleError, ImageError: see `stylize`.
    """
    first = None if begin is None else load_image(begin)
    return _identity(recipe, *_inputs(content, styles, weights, mask), seed_or_default(seed), backbone, first)


def _identity(
    recipe: StyleRecipe,
    content: np.ndarray,
    styles: Sequence[np.ndarray],
    shares: Sequence[float],
    mask: np.ndarray | None,
    seed: int,
    backbone: Backbone,
    first: np.ndarray | None,
) -> str:
    pictures = digest(content, *styles, *(each for each in (mask, first) if each is not None))
    how = [recipe.to_dict(), list(shares), mask is None, seed, str(backbone), pictures]
    return hashlib.sha256(json.dumps(how, sort_keys=True).encode()).hexdigest()


def _inputs(
    content: ImageLike,
    styles: ImageLike | Sequence[ImageLike],
    weights: Sequence[float] | None,
    mask: ImageLike | None,
) -> tuple[np.ndarray, list[np.ndarray], list[float], np.ndarray | None]:
    """The content, the styles, how much each counts, and the mask's grey levels, uint8 (height, width)."""
    pictures = [load_image(style) for style in as_list(styles)[0]]
    return (
        load_image(content),
        pictures,
        style_shares(len(pictures), weights),
        None if mask is None else mask_levels(mask),
    )


_RECIPE = Allowed(lambda value: isinstance(value, StyleRecipe), f"a StyleRecipe, or {', '.join(RECIPES)}")
_WATCH = Allowed(lambda value: value is None or callable(value), "a function of the step and the picture, or None")


class _NoNumberError(Exception):
    """SciPy asked for the cost of a picture that has none."""


class _Run:
    """A transfer under way: the picture, the optimiser's memory, what it cost so far, and the way back to them."""

    def __init__(self, recipe: StyleRecipe, file: Path | None, identity: str, watch: Watch | None, every: int):
        self.recipe, self.file, self.identity, self.watch, self.every = recipe, file, identity, watch, every
        self.scale, self.done = 0, 0  # the scale, and the steps at it
        self.image: np.ndarray | None = None
        self.best: tuple[float, np.ndarray] | None = None
        self.memory: list[np.ndarray] = []
        self.history: list[tuple] = []
        self.seconds, self.timed, self.stopped = 0.0, 0, ""
        if self.file and self.file.is_file():
            self._load()

    def paint(self, scene: Scene, number: int, steps: Sequence[int], bar: Any) -> None:
        """All steps of a scale; `image` is the best picture of it afterwards, or of what was reached."""
        if number != self.scale:
            self.scale, self.done, self.best, self.memory = number, 0, None, []
        self.save()
        share, count = self.recipe.scales[number][0], steps[number]
        paint = self._paint_lbfgs if self.recipe.optimiser == "lbfgs" else self._paint_adam
        try:
            paint(scene, count, share, bar)
        except KeyboardInterrupt:
            self.stopped = self.stopped or STOPPED
        if self.best is not None:
            self.image = self.best[1]

    def grow(self, scene: Scene, number: int, bar: Any) -> None:
        """Bring what was stopped at a coarse scale to its whole size, with a few steps there; `file` stays as it is."""
        assert self.image is not None
        last = _Run(self.recipe, None, self.identity, None, self.every)
        last.image, last.history = scene.enlarged(self.image), self.history
        last.paint(scene, number, [LAST_STEPS] * (number + 1), bar)
        self.image = last.image

    def _paint_adam(self, scene: Scene, count: int, share: float, bar: Any) -> None:
        assert self.image is not None
        picture = tf.Variable(self.image[None], dtype=tf.float32)
        best = tf.Variable(picture if self.best is None else self.best[1][None], dtype=tf.float32)
        lowest = tf.Variable(np.inf if self.best is None else self.best[0], dtype=tf.float32)
        optimiser = keras.optimizers.Adam(self._rate(count), *self.recipe.betas)
        optimiser.build([picture])
        for variable, value in zip(optimiser.variables, self.memory, strict=False):
            variable.assign(value)

        def step(turn: tf.Tensor) -> tf.Tensor:
            terms, gradient = scene.gradient(picture, turn)
            better = terms[0] < lowest  # false for what is not a number
            best.assign(tf.where(better, picture, best))
            lowest.assign(tf.where(better, terms[0], lowest))
            optimiser.apply([gradient], [picture])
            picture.assign(tf.clip_by_value(picture, 0.0, 255.0))
            return terms

        step = scene.compiled(step, tf.TensorSpec((), tf.int32))

        def keep() -> None:
            self.image, self.best = picture[0].numpy(), (float(lowest), best[0].numpy())
            self.memory = [np.asarray(variable) for variable in optimiser.variables]

        try:
            while self.done < count:
                start_time = time.perf_counter()
                terms = step(tf.constant(self.done % scene.turns)).numpy()
                self._record(share, terms, time.perf_counter() - start_time, bar)
                if not np.isfinite(terms[0]):
                    self.stopped = f"At step {len(self.history)} the cost was no number; lower the learning rate."
                    break
                if self._due():
                    keep()
                    self._show(scene)
                    self.save()
                if self.stopped:
                    break
            # The picture after the last step has not been measured yet.
            if not self.stopped and float(scene.terms(picture)[0]) < float(lowest):
                best.assign(picture)
        finally:
            keep()

    def _rate(self, count: int) -> Any:
        """Constant at one scale, as in the original; with several it falls, so that each ends calmly."""
        rate = float(self.recipe.learning_rate)
        return rate if len(self.recipe.scales) == 1 else keras.optimizers.schedules.CosineDecay(rate, count, 0.1)

    def _paint_lbfgs(self, scene: Scene, count: int, share: float, bar: Any) -> None:
        """In blocks: SciPy's memory of the curvature can't be saved, so each block begins anew from the picture.

        The state is saved between them, so that a resumed transfer has forgotten no more than an uninterrupted one.
        """
        from scipy.optimize import minimize

        assert self.image is not None
        shape = self.image.shape
        gradient = scene.compiled(scene.gradient, tf.TensorSpec((1, *shape), tf.float32), tf.TensorSpec((), tf.int32))
        terms: list[np.ndarray] = []  # of the picture before this step, and of what has been tried since
        start_time = time.perf_counter()

        def cost(flat: np.ndarray) -> tuple[float, np.ndarray]:
            picture = 255 * flat.reshape(shape)
            turn = tf.constant(self.done // _BLOCK % scene.turns)  # one for all steps of a block: they share a memory
            found, slope = gradient(tf.constant(picture[None], tf.float32), turn)
            terms.append(found.numpy())
            value = float(terms[-1][0])
            if not np.isfinite(value):
                raise _NoNumberError
            if self.best is None or value < self.best[0]:
                self.best = value, picture.astype(np.float32)
            return value, 255 * slope.numpy().ravel().astype(np.float64)

        def after(flat: np.ndarray) -> None:
            nonlocal start_time
            self.image = (255 * flat.reshape(shape)).astype(np.float32)
            now = time.perf_counter()
            self._record(share, terms[0], now - start_time, bar)
            start_time, terms[:] = now, terms[-1:]
            if self._due():
                self._show(scene)
            if self.stopped:
                raise StopIteration

        try:
            before = -1
            while before < self.done < count and not self.stopped:  # a block without a step is the end
                before, steps = self.done, min(_BLOCK, count - self.done)
                terms.clear()
                minimize(
                    cost,
                    self.image.ravel().astype(np.float64) / 255,  # its first step has a length of 1
                    method="L-BFGS-B",
                    jac=True,
                    bounds=[(0, 1)] * self.image.size,
                    callback=after,
                    options={"maxiter": steps, "maxfun": 2 * _BLOCK, "maxcor": 10, "ftol": 0.0, "gtol": 0.0},
                )
                if not self.stopped:
                    self.save()
        except _NoNumberError:
            self.stopped = f"At step {len(self.history) + 1} the cost was no number; take Adam."

    def _record(self, share: float, terms: np.ndarray, seconds: float, bar: Any) -> None:
        self.done += 1
        self.history.append((len(self.history) + 1, share, *(float(term) for term in terms)))
        if self.done > 1:
            self.seconds, self.timed = self.seconds + seconds, self.timed + 1
        bar.update()

    def _due(self) -> bool:
        return len(self.history) % self.every == 0 and (self.watch is not None or self.file is not None)

    def _show(self, scene: Scene) -> None:
        if self.watch and self.image is not None and self.watch(len(self.history), scene.finished(self.image)) is False:
            self.stopped = STOPPED

    def save(self) -> None:
        """Write the state, if it is to be kept."""
        if self.file is None:
            return
        values: dict[str, Any] = {f"memory{number}": value for number, value in enumerate(self.memory)}
        if self.best is not None:
            values |= {"best": self.best[1], "lowest": self.best[0]}
        values |= {"place": [self.scale, self.done], "image": self.image, "history": self.history}
        write_state(self.file, self.identity, values)

    def _load(self) -> None:
        assert self.file is not None
        values = read_state(self.file, self.identity)
        self.scale, self.done = (int(number) for number in values["place"])
        self.image = values["image"]
        self.history = [(int(row[0]), *(float(value) for value in row[1:])) for row in values["history"]]
        self.memory = [values[f"memory{number}"] for number in range(sum("memory" in name for name in values))]
        self.best = (float(values["lowest"]), values["best"]) if "best" in values else None

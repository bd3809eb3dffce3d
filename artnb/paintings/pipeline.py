"""From a split table to batches: decode once and in parallel, shuffle, and augment the training pictures only."""

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import tensorflow as tf

from artnb.common.pixels import rgb
from artnb.common.progress import progress
from artnb.common.seeding import seed_or_default
from artnb.errors import TRUE_OR_FALSE, Allowed, check_settings, is_number, number, one_of
from artnb.images import ImageError, ImageLike, fit, load_image, read_bytes, with_picture
from artnb.paintings.sources import Collection
from artnb.paintings.splits import SUBSETS, check_split, refuse_others

_T = TypeVar("_T")


@dataclass(frozen=True)
class Pictures:
    """Decoded pictures in memory, all of one size.

    Attributes:
        images: uint8 (n, size, size, 3), RGB.
        labels: int32 (n,), positions in the class names.
        paths: where each picture came from, relative to the collection.
    """

    images: np.ndarray
    labels: np.ndarray
    paths: Sequence[str]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Subsets:
    """The three subsets of a split, and the artists' names in the order of the labels."""

    train: Pictures
    validation: Pictures
    test: Pictures
    class_names: tuple[str, ...]


@dataclass(frozen=True)
class Augmentation:
    """Random changes of a training picture, with the meanings of Keras' ImageDataGenerator.

    Attributes:
        rotation: degrees to either side.
        shift: share of the height and of the width, in any direction.
        shear: degrees to either side.
        zoom: share, separately for height and width: 0.2 is from 0.8 to 1.2 times.
        flip: whether every second picture is mirrored, left for right.
        fill: what comes in at the edges: "nearest", "reflect" or "constant" (black).
        crop: the smallest and the largest side of a random square cut-out, as a share of the picture's side.
        light: share by which red, green and blue each grow or shrink: another photographer's lamp.
    """

    rotation: float = 0.0
    shift: float = 0.0
    shear: float = 0.0
    zoom: float = 0.0
    flip: bool = False
    fill: str = "nearest"
    crop: tuple[float, float] = (1.0, 1.0)
    light: float = 0.0

    def __post_init__(self) -> None:
        """Say at once what can't be used."""
        check_settings(self, _AUGMENTATION, " in the augmentation")


_SHARE = number(lambda share: 0 <= share <= 1, "from 0 to 1")
_AUGMENTATION = {
    "rotation": number(lambda degrees: 0 <= degrees <= 180, "from 0 to 180 degrees"),
    "shift": _SHARE,
    "shear": number(lambda degrees: 0 <= degrees < 90, "from 0 to less than 90 degrees"),
    "zoom": number(lambda share: 0 <= share < 1, "from 0 to less than 1"),
    "flip": TRUE_OR_FALSE,
    "fill": one_of("nearest", "reflect", "constant"),
    "crop": Allowed(
        lambda crop: (
            isinstance(crop, tuple | list)
            and len(crop) == 2
            and all(map(is_number, crop))
            and 0 < crop[0] <= crop[1] <= 1
        ),
        "two shares above 0 and at most 1, the smaller first",
    ),
    "light": _SHARE,
}

# Paintings hang upright, so nothing is turned or sheared; brushwork is seen in cut-outs; photographs differ in colour.
PAINTINGS = Augmentation(flip=True, crop=(0.5, 1.0), light=0.15)

# The original's. Its shear_range=0.2 was meant as a share, but is in degrees: next to nothing.
ORIGINAL = Augmentation(rotation=45, shift=0.2, shear=0.2, zoom=0.2, flip=True)


def as_it_is(image: np.ndarray) -> np.ndarray:
    """All of a picture, where a part could be cut out."""
    return image


def load_pictures(collection: Collection, table: pd.DataFrame, size: int = 224) -> Subsets:
    """Decode every picture of a split table, each fitted to `size` x `size` pixels by `images.fit`.

    They come in the order of their paths, so that a training does not depend on the order of the rows. Each file is
    read once: the bytes that are decoded are those that the split's digest is compared with.

    Args:
        collection: where the files are.
        table: a split.
        size: height and width in pixels.

    Raises:
        SplitError: it is no split, see `splits.check_split`; or files are missing, or have other contents now.
        ImageError: a file is not a readable picture; the audit lists all such files.
    """
    check_split(table)
    table = table.sort_values("path", ignore_index=True)
    class_names = tuple(sorted(table["artist"].unique()))
    label = {name: number for number, name in enumerate(class_names)}
    labels = table["artist"].map(label).to_numpy(np.int32)
    subsets: dict[str, Pictures] = {}
    paths: list[str] = []
    others: list[bool] = []
    with progress(None, "decoding", len(table), "picture") as bar:
        for name in SUBSETS:
            chosen = (table["subset"] == name).to_numpy()
            images, wrong = _decode_rows(collection, table[chosen], size, as_it_is, bar)
            subsets[name] = Pictures(images, labels[chosen], table["path"][chosen].tolist())
            paths += subsets[name].paths
            others += wrong
    refuse_others(collection, paths, others)
    return Subsets(**subsets, class_names=class_names)


def decode_rows(
    collection: Collection,
    rows: pd.DataFrame,
    size: int,
    crop: Callable[[np.ndarray], np.ndarray] = as_it_is,
) -> np.ndarray:
    """Decode the pictures of some rows of a split as `load_pictures` does: uint8 (n, size, size, 3).

    Args:
        collection: where the files are.
        rows: of a split.
        size: height and width in pixels.
        crop: what is taken of each picture, uint8 (height, width, 3), before it is fitted to the size.

    Raises:
        SplitError: files are missing, or have other contents than the split says.
        ImageError: a file is not a readable picture.
    """
    images, others = _decode_rows(collection, rows, size, crop)
    refuse_others(collection, rows["path"], others)
    return images


def _decode_rows(
    collection: Collection,
    rows: pd.DataFrame,
    size: int,
    crop: Callable[[np.ndarray], np.ndarray],
    bar: Any = None,
) -> tuple[np.ndarray, list[bool]]:
    """The pictures of some rows, and for each whether its file is missing or another one; that is not decoded."""
    paths, digests = rows["path"].tolist(), rows["sha256"].tolist()
    images = np.empty((len(rows), size, size, 3), np.uint8)

    def one(row: int) -> bool:
        file = collection.file(paths[row])
        try:
            data = read_bytes(file)
        except ImageError:
            return True
        if hashlib.sha256(data).hexdigest() != digests[row]:
            return True
        images[row] = fit(crop(with_picture(file, rgb, data)), size)
        return False

    return images, _in_parallel(one, len(rows), bar)


def decode(sources: Sequence[ImageLike] | np.ndarray, size: int, bar: Any = None) -> np.ndarray:
    """Read pictures in parallel, each fitted to `size` x `size` pixels: uint8 (n, size, size, 3)."""
    images = np.empty((len(sources), size, size, 3), np.uint8)

    def one(row: int) -> None:
        images[row] = fit(load_image(sources[row]), size)

    _in_parallel(one, len(sources), bar)
    return images


def _in_parallel(work: Callable[[int], _T], number: int, bar: Any) -> list[_T]:
    results = []
    with ThreadPoolExecutor() as pool:  # Pillow lets go of the interpreter's lock while it decodes
        for result in pool.map(work, range(number)):
            results.append(result)
            if bar is not None:
                bar.update()
    return results


def training_batches(
    pictures: Pictures,
    batch_size: int = 32,
    augmentation: Augmentation | None = None,
    seed: int | None = None,
    first_epoch: int = 0,
    size: int | None = None,
) -> tf.data.Dataset:
    """Batches without end for `fit(..., steps_per_epoch=steps_per_epoch(pictures, batch_size))`.

    Every epoch holds each picture once. Its order and its augmentation follow from the seed and the epoch's number
    alone, so a training that is resumed at `first_epoch` gets the same batches as without the interruption.

    Args:
        pictures: what to train on.
        batch_size: pictures per batch.
        augmentation: random changes; None for the pictures as they are.
        seed: of the order and of the changes.
        first_epoch: the number of epochs that were seen before.
        size: height and width of the augmented pictures; by default that of `pictures`.

    Returns:
        A dataset of (float32 (batch, size, size, 3) in [0, 255], int32 (batch,)).
    """
    seed = seed_or_default(seed)
    images, labels = tf.constant(pictures.images), tf.constant(pictures.labels)
    steps = steps_per_epoch(pictures, batch_size)

    def epoch(number: tf.Tensor) -> tf.data.Dataset:
        order = tf.random.experimental.stateless_shuffle(tf.range(len(pictures)), seed=[seed, number])
        batches = tf.data.Dataset.from_tensor_slices(order).batch(batch_size)
        return batches.enumerate(start=number * steps)

    def batch(number: tf.Tensor, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        chosen = tf.gather(images, rows)
        if augmentation:
            chosen = augment(chosen, augmentation, [seed, number], size)
        return tf.cast(chosen, tf.float32), tf.gather(labels, rows)

    numbers = tf.data.Dataset.counter(first_epoch)
    return numbers.flat_map(epoch).map(batch, tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def evaluation_batches(pictures: Pictures, batch_size: int = 32) -> tf.data.Dataset:
    """Every picture once, in order and as it is: validation and test are never augmented.

    Returns:
        A dataset of (float32 (batch, size, size, 3) in [0, 255], int32 (batch,)).
    """
    images, labels = tf.constant(pictures.images), tf.constant(pictures.labels)
    rows = tf.data.Dataset.range(len(pictures)).batch(batch_size)
    return rows.map(
        lambda rows: (tf.cast(tf.gather(images, rows), tf.float32), tf.gather(labels, rows)), tf.data.AUTOTUNE
    ).prefetch(tf.data.AUTOTUNE)


def steps_per_epoch(pictures: Pictures, batch_size: int = 32) -> int:
    """How many batches hold every picture once; the last one may be smaller."""
    return -(-len(pictures) // batch_size)


def augment(
    images: tf.Tensor, augmentation: Augmentation, seed: Sequence[int] | tf.Tensor, size: int | None = None
) -> tf.Tensor:
    """Change each picture of a batch at random, all changes of place composed into one resampling.

    Args:
        images: (batch, height, width, 3), any real type, in [0, 255].
        augmentation: how much of what.
        seed: two whole numbers; the same seed gives the same changes.
        size: height and width of the result; by default that of `images`.

    Returns:
        float32 (batch, size, size, 3) in [0, 255].
    """
    a = augmentation
    number = tf.shape(images)[0]
    height, width = tf.unstack(tf.cast(tf.shape(images)[1:3], tf.float32))
    shape = tf.shape(images)[1:3] if size is None else tf.constant([size, size])
    new_height, new_width = tf.unstack(tf.cast(shape, tf.float32))
    draw = tf.unstack(tf.random.stateless_uniform([13, number], seed, minval=-1.0))
    degree = np.pi / 180
    side = a.crop[0] + (draw[7] + 1) / 2 * (a.crop[1] - a.crop[0])
    matrices = affine_matrices(
        rotation=draw[0] * a.rotation * degree,
        shift=(
            (draw[1] * a.shift + draw[8] * (1 - side) / 2) * width,
            (draw[2] * a.shift + draw[9] * (1 - side) / 2) * height,
        ),
        shear=draw[3] * a.shear * degree,
        zoom=(
            (1 + draw[4] * a.zoom) * side * width / new_width,
            (1 + draw[5] * a.zoom) * side * height / new_height,
        ),
        flip=(draw[6] > 0) & a.flip,
        centre=((width - 1) / 2, (height - 1) / 2),
        new_centre=((new_width - 1) / 2, (new_height - 1) / 2),
    )
    changed = tf.raw_ops.ImageProjectiveTransformV3(
        images=tf.cast(images, tf.float32),
        transforms=matrices,
        output_shape=shape,
        interpolation="BILINEAR",
        fill_mode=a.fill.upper(),
        fill_value=0.0,
    )
    if not a.light:
        return changed
    return tf.clip_by_value(changed * (1 + a.light * tf.stack(draw[10:], -1)[:, None, None]), 0, 255)


def affine_matrices(
    rotation: tf.Tensor,
    shift: tuple[tf.Tensor, tf.Tensor],
    shear: tf.Tensor,
    zoom: tuple[tf.Tensor, tf.Tensor],
    flip: tf.Tensor,
    centre: tuple[tf.Tensor, tf.Tensor],
    new_centre: tuple[tf.Tensor, tf.Tensor] | None = None,
) -> tf.Tensor:
    """Where each output pixel comes from: about the centre, rotation · shift · shear · zoom, and the flip.

    The same composition as Keras' ImageDataGenerator, for a whole batch.

    Args:
        rotation: radians, (batch,).
        shift: pixels in x and in y, each (batch,).
        shear: radians, (batch,).
        zoom: factors in x and in y, each (batch,); more than 1 shows more of the picture.
        flip: bool (batch,), left for right.
        centre: pixels in x and in y, scalars.
        new_centre: the same of the output, if its size is another.

    Returns:
        float32 (batch, 8), the first eight entries of each 3 x 3 matrix, as `ImageProjectiveTransformV3` takes them.
    """
    new_centre = new_centre or centre
    zero, one = tf.zeros_like(rotation), tf.ones_like(rotation)
    sin, cos = tf.sin(rotation), tf.cos(rotation)

    def matrix(first: tuple, second: tuple) -> tf.Tensor:
        return tf.stack([tf.stack(row, -1) for row in (first, second, (zero, zero, one))], -2)

    def move(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        return matrix((one, zero, x * one), (zero, one, y * one))

    whole = (
        move(*centre)
        @ matrix((cos, -sin, zero), (sin, cos, zero))
        @ move(*shift)
        @ matrix((one, -tf.sin(shear), zero), (zero, tf.cos(shear), zero))
        @ matrix((zoom[0], zero, zero), (zero, zoom[1], zero))
        @ matrix((tf.where(flip, -one, one), zero, zero), (zero, one, zero))
        @ move(-new_centre[0], -new_centre[1])
    )
    return tf.reshape(whole, [-1, 9])[:, :8]

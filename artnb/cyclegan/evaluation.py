"""How good generated Monets are, on photographs and paintings that were not trained on."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from artnb.backbones import Backbone, shared_backbone
from artnb.common.seeding import seed_or_default
from artnb.errors import EvaluationError
from artnb.images import resize
from artnb.metrics import structure

FEATURE_SIZE = 224  # pixels; pictures of all sizes are resized to it


@dataclass(frozen=True)
class Kid:
    """The kernel inception distance of two sets of pictures (Bińkowski et al., ICLR 2018), by features of a backbone.

    Attributes:
        value: the unbiased estimate on all pictures; near 0, also below, for two sets from one source.
        std: standard deviation over the subsets.
        interval: where 95 % of the subsets' values lie.
        sizes: pictures of the first and of the second set.
        subset: pictures of each in a subset.
        backbone: what looked; says "untrained" of a network without its ImageNet weights.
    """

    value: float
    std: float
    interval: tuple[float, float]
    sizes: tuple[int, int]
    subset: int
    backbone: str = ""

    def __str__(self) -> str:
        """With all that the number depends on."""
        low, high = self.interval
        return (
            f"KID {self.value:.4f} ({low:.4f} to {high:.4f} in subsets of {self.subset}; {self.sizes[0]} and "
            f"{self.sizes[1]} pictures{', ' * bool(self.backbone)}{self.backbone})"
        )


def features(pictures: np.ndarray, backbone: Backbone | None = None, batch_size: int = 32) -> np.ndarray:
    """The mean of each channel of a backbone's last map: float32 (n, d), of uint8 (n, height, width, 3)."""
    backbone = backbone or shared_backbone("efficientnet-lite0")
    means = []
    for first in range(0, len(pictures), batch_size):
        batch = [resize(picture, (FEATURE_SIZE, FEATURE_SIZE)) for picture in pictures[first : first + batch_size]]
        # Compiled: called as it is, the network would keep gigabytes for the maps of all its layers.
        maps = backbone.model.predict_on_batch(np.stack(batch).astype(np.float32))
        means.append(np.asarray(maps).mean(axis=(1, 2)))
    return np.concatenate(means).astype(np.float32)


def kid(first: np.ndarray, second: np.ndarray, subset: int = 100, subsets: int = 100, seed: int | None = None) -> Kid:
    """Compare two sets of features.

    Args:
        first: (n, d).
        second: (m, d).
        subset: pictures of each set in a subset, or as many as there are.
        subsets: how many are drawn, for the standard deviation.
        seed: of the draws.

    Raises:
        EvaluationError: there are less than two pictures in a set.
    """
    seed = seed_or_default(seed)
    if min(len(first), len(second)) < 2:
        raise EvaluationError(f"Got {len(first)} and {len(second)} pictures; give two or more of each.")
    kernels = polynomial_kernel(first, first), polynomial_kernel(second, second), polynomial_kernel(first, second)
    size = min(subset, len(first), len(second))
    random = np.random.default_rng(seed)
    values = []
    for _ in range(subsets):
        a, b = (random.choice(len(features), size, replace=False) for features in (first, second))
        values.append(_unbiased(kernels[0][np.ix_(a, a)], kernels[1][np.ix_(b, b)], kernels[2][np.ix_(a, b)]))
    low, high = np.quantile(values, [0.025, 0.975])
    return Kid(
        value=_unbiased(*kernels),
        std=float(np.std(values)),
        interval=(float(low), float(high)),
        sizes=(len(first), len(second)),
        subset=size,
    )


def polynomial_kernel(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(x · y / d + 1)³, (n, m)."""
    return (first.astype(np.float64) @ second.T.astype(np.float64) / first.shape[1] + 1) ** 3


def _unbiased(first: np.ndarray, second: np.ndarray, between: np.ndarray) -> float:
    """The squared maximum mean discrepancy, without the pairs of a picture and itself (Gretton et al., 2012)."""
    n, m = len(first), len(second)
    within = (first.sum() - np.trace(first)) / (n * (n - 1)) + (second.sum() - np.trace(second)) / (m * (m - 1))
    return float(within - 2 * between.mean())


def memorisation_distance(generated: np.ndarray, training: np.ndarray) -> float:
    """How far generated pictures are from the nearest one that was trained on: mean cosine distance, 0 for copies.

    In the spirit of the distance by which Kaggle's MiFID divides (competition "I'm Something of a Painter Myself").

    Args:
        generated: features (n, d).
        training: features (m, d).
    """
    unit = [rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12) for rows in (generated, training)]
    return float((1 - unit[0] @ unit[1].T).min(axis=1).mean())


@dataclass(frozen=True)
class CycleEvaluation:
    """One direction of a CycleGAN, measured on pictures that it has not seen.

    Attributes:
        generated: KID of generated pictures against real ones of the target.
        inputs: KID of the pictures as they were, which a generator that does nothing would have.
        real: KID of one half of the real ones against the other.
        ratio: `generated` as a share of `inputs`.
        memorisation: `memorisation_distance` of generated pictures from the targets that were trained on.
        usual_memorisation: the same of real targets that were not trained on.
        cycle_error: mean absolute difference, in grey levels, after both generators.
        structure: SSIM of the lightness before and after, -1 to 1, mean.
        untrained: whether the backbone that looked is one without ImageNet weights.
    """

    generated: Kid
    inputs: Kid
    real: Kid
    ratio: float
    memorisation: float
    usual_memorisation: float
    cycle_error: float
    structure: float
    untrained: bool

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def evaluate_generator(
    generator: Callable[[np.ndarray], np.ndarray],
    inverse: Callable[[np.ndarray], np.ndarray],
    pictures: np.ndarray,
    targets: np.ndarray,
    training_targets: np.ndarray,
    backbone: Backbone | None = None,
    seed: int | None = None,
) -> CycleEvaluation:
    """Measure one direction.

    Args:
        generator: uint8 (height, width, 3) to the same, the one that is measured.
        inverse: the other one.
        pictures: uint8 (n, side, side, 3), of the source, never trained on.
        targets: uint8, of the target, never trained on.
        training_targets: uint8, of the target, that it was trained on.
        backbone: the network that gives the features; EfficientNet-Lite0 by default.
        seed: of the subsets.

    Raises:
        EvaluationError: there are less than two pictures, or less than four targets.
    """
    seed = seed_or_default(seed)
    backbone = backbone or shared_backbone("efficientnet-lite0")
    painted = np.stack([generator(picture) for picture in pictures])
    again = np.stack([inverse(picture) for picture in painted])
    of_made, of_pictures, of_targets, of_training = (
        features(each, backbone) for each in (painted, pictures, targets, training_targets)
    )
    order = np.random.default_rng(seed).permutation(len(targets))
    halves = of_targets[order[: len(order) // 2]], of_targets[order[len(order) // 2 :]]
    generated, inputs, real = (
        replace(kid(first, second, seed=seed), backbone=str(backbone))
        for first, second in ((of_made, of_targets), (of_pictures, of_targets), halves)
    )
    return CycleEvaluation(
        generated=generated,
        inputs=inputs,
        real=real,
        ratio=generated.value / inputs.value,
        memorisation=memorisation_distance(of_made, of_training),
        usual_memorisation=memorisation_distance(of_targets, of_training),
        cycle_error=float(np.abs(again.astype(float) - pictures.astype(float)).mean()),
        structure=float(np.mean([structure(new, old) for new, old in zip(painted, pictures, strict=True)])),
        untrained=not backbone.trained,
    )

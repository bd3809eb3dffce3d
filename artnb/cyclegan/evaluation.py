"""How good generated Monets are, on photographs and paintings that were not trained on."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from artnb.backbones import Backbone, check_judge, shared_backbone
from artnb.common.seeding import seed_or_default
from artnb.cyclegan.artefacts import newly_saturated, pattern_peaks
from artnb.errors import EvaluationError
from artnb.images import resize
from artnb.metrics import structure

FEATURE_SIZE = 224  # pixels; pictures of all sizes are resized to it, and InceptionV3's to its own
_INCEPTION_SIZE = 299
_NEIGHBOURS = 5  # of density and coverage, as in the paper
_TINY = 1e-12


@dataclass(frozen=True)
class Kid:
    """The kernel inception distance of two sets of pictures (Bińkowski et al., ICLR 2018), by features of a backbone.

    Attributes:
        value: the unbiased estimate on all pictures; near 0, also below, for two sets from one source.
        interval: 95 % of such intervals hold the distance of the sources that the pictures were drawn from.
        sizes: pictures of the first and of the second set.
        backbone: the network whose features were compared.
    """

    value: float
    interval: tuple[float, float]
    sizes: tuple[int, int]
    backbone: str = ""

    def __str__(self) -> str:
        """With all that the number depends on."""
        low, high = self.interval
        return (
            f"KID {self.value:.4f} (95 % interval {low:.4f} to {high:.4f}; {self.sizes[0]} and "
            f"{self.sizes[1]} pictures{', ' * bool(self.backbone)}{self.backbone})"
        )


def features(pictures: np.ndarray, backbone: Backbone | None = None, batch_size: int = 32) -> np.ndarray:
    """The mean of each channel of a backbone's last map: float32 (n, d), of uint8 (n, height, width, 3).

    Of a network that ends in numbers, such as `starter-cnn`'s, these.
    """
    backbone = backbone or shared_backbone("efficientnet-lite0")
    means, side = [], _INCEPTION_SIZE if backbone.name == "inceptionv3" else FEATURE_SIZE
    for first in range(0, len(pictures), batch_size):
        batch = [resize(picture, (side, side)) for picture in pictures[first : first + batch_size]]
        # Compiled: called as it is, the network would keep gigabytes for the maps of all its layers.
        maps = np.asarray(backbone.model.predict_on_batch(np.stack(batch).astype(np.float32)))
        means.append(maps.reshape(len(batch), -1, maps.shape[-1]).mean(axis=1))
    return np.concatenate(means).astype(np.float32)


def kid(first: np.ndarray, second: np.ndarray) -> Kid:
    """Compare two sets of features.

    The interval is a score interval (Wilson, 1927): those distances from which the estimate is no farther than luck
    explains. What luck explains has two parts (Hoeffding, "A Class of Statistics with Asymptotically Normal
    Distribution", 1948; of this estimate: Sutherland et al., "Generative Models and Model Criticism via Optimized
    Maximum Mean Discrepancy", ICLR 2017): one of single pictures, which grows with the distance and is 0 for equal
    sources, and one of pairs, which stays. Neither the values of random subsets nor a bootstrap are such intervals:
    tests/cyclegan/test_kid.py says what each of them holds.

    Args:
        first: (n, d).
        second: (m, d).

    Raises:
        EvaluationError: there are less than two pictures in a set, or features that are no numbers.
    """
    if min(len(first), len(second)) < 2:
        raise EvaluationError(f"Got {len(first)} and {len(second)} pictures; give two or more of each.")
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise EvaluationError("Got features that are no numbers; give those of finite pictures by a sound network.")
    kernels = polynomial_kernel(first, first), polynomial_kernel(second, second), polynomial_kernel(first, second)
    value, interval = _discrepancy(*kernels)
    return Kid(value, interval, (len(first), len(second)))


def polynomial_kernel(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(x · y / d + 1)³, (n, m)."""
    return (first.astype(np.float64) @ second.T.astype(np.float64) / first.shape[1] + 1) ** 3


def _discrepancy(first: np.ndarray, second: np.ndarray, between: np.ndarray) -> tuple[float, tuple[float, float]]:
    """The squared maximum mean discrepancy of two samples by their kernels, unbiased (Gretton et al., 2012).

    And its 95 % interval.
    """
    from scipy.stats import t

    n, m = between.shape
    biased = first.mean() + second.mean() - 2 * between.mean()
    first, second = (kernel - np.diag(np.diag(kernel)) for kernel in (first, second))  # no picture and itself
    value = first.sum() / (n * (n - 1)) + second.sum() / (m * (m - 1)) - 2 * between.mean()
    # The variance if the true distance is D: pairs + slope * D.
    centred = between - between.mean(1, keepdims=True) - between.mean(0) + between.mean()
    crossed = (centred**2).sum() / ((n - 1) * (m - 1))
    pairs = 4 * crossed / (n * m) + sum(
        2 * _pair_variance(kernel, crossed) / (k * (k - 1)) for kernel, k in ((first, n), (second, m))
    )
    singles = sum(
        4 * (kernel.sum(1) / (k - 1) - means).var(ddof=1) / k
        for kernel, k, means in ((first, n, between.mean(1)), (second, m, between.mean(0)))
    )  # holds `pairs` twice, and what grows with the distance
    luck = max(np.sqrt(pairs), _TINY)  # no smaller distance is told from 0, not even that of equal sets
    slope = max(singles / max(biased, luck), max(singles - 2 * pairs, 0) / max(value, luck))
    quantile, of_singles = t.ppf(0.975, [n + m - 2, min(n, m) - 1])
    slope *= (of_singles / quantile) ** 2
    middle = value + quantile**2 * slope / 2
    half = quantile * np.sqrt(max(pairs + slope * value + (quantile * slope / 2) ** 2, 0))
    # Of a handful of pictures, a value far below 0 may lie outside.
    return float(value), (float(min(middle - half, value)), float(max(middle + half, value)))


def _pair_variance(kernel: np.ndarray, otherwise: float) -> float:
    """The mean square of a kernel that was centred in rows and columns, without bias (Székely and Rizzo, 2014).

    Args:
        kernel: (n, n), 0 for each picture and itself.
        otherwise: what is returned for less than four pictures.
    """
    n = len(kernel)
    if n < 4:
        return otherwise
    rows = kernel.sum(1) / (n - 2)
    centred = kernel - rows - rows[:, None] + kernel.sum() / ((n - 1) * (n - 2))
    np.fill_diagonal(centred, 0)
    return float((centred**2).sum() / (n * (n - 3)))


def memorisation_distance(generated: np.ndarray, training: np.ndarray) -> float:
    """How far generated pictures are from the nearest one that was trained on: mean cosine distance, 0 for copies.

    In the spirit of the distance by which Kaggle's MiFID divides (competition "I'm Something of a Painter Myself").

    Args:
        generated: features (n, d).
        training: features (m, d).
    """
    unit = [rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12) for rows in (generated, training)]
    return float((1 - unit[0] @ unit[1].T).min(axis=1).mean())


def density_and_coverage(generated: np.ndarray, real: np.ndarray) -> tuple[float, float]:
    """Whether generated pictures are like real ones, and whether all kinds of real ones are met.

    Naeem et al., "Reliable Fidelity and Diversity Metrics for Generative Models", ICML 2020, equations 4 and 5, with
    five neighbours, or as many as there are: few outliers among the real ones change them little, which "precision and
    recall" (Kynkäänniemi et al., 2019) can't say.

    Args:
        generated: features (n, d).
        real: features (m, d), m at least 2.

    Returns:
        Density, 1 on average for two sets of one source, and coverage, from 0 to 1.

    Raises:
        EvaluationError: there are too few pictures.
    """
    if len(real) < 2 or not len(generated):
        raise EvaluationError(f"Got {len(generated)} and {len(real)} pictures; give one and two, or more.")
    neighbours = min(_NEIGHBOURS, len(real) - 1)
    radii = np.sort(_distances(real, real), axis=1)[:, neighbours]  # the nearest is the picture itself
    apart = _distances(generated, real)
    inside = apart < radii
    return float(inside.sum() / (neighbours * len(generated))), float((apart.min(0) < radii).mean())


def _distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    one, other = first.astype(np.float64), second.astype(np.float64)
    squares = (one**2).sum(1)[:, None] + (other**2).sum(1) - 2 * one @ other.T
    return np.sqrt(squares.clip(0))


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
        density: of generated pictures among the real ones, see `density_and_coverage`.
        coverage: likewise.
        saturated: the mean share of pixels that became black or white, see `artefacts.newly_saturated`.
        patterned: the share of the pictures' plain places that are more periodic than 95 % of the real ones' plain
            places, see `artefacts.pattern_peaks`: 0.05 for real ones; None where there are no plain places.
    """

    generated: Kid
    inputs: Kid
    real: Kid
    ratio: float
    memorisation: float
    usual_memorisation: float
    cycle_error: float
    structure: float
    density: float
    coverage: float
    saturated: float
    patterned: float | None

    def to_dict(self) -> dict[str, Any]:
        """All of it, as JSON takes it."""
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
        seed: of the two halves of the targets.

    Raises:
        BackboneError: the backbone is none, or untrained.
        EvaluationError: there are less than two pictures, or less than four targets.
    """
    seed = seed_or_default(seed)
    backbone = backbone or shared_backbone("efficientnet-lite0")
    check_judge(backbone)
    painted = np.stack([generator(picture) for picture in pictures])
    again = np.stack([inverse(picture) for picture in painted])
    of_made, of_pictures, of_targets, of_training = (
        features(each, backbone) for each in (painted, pictures, targets, training_targets)
    )
    density, coverage = density_and_coverage(of_made, of_targets)
    order = np.random.default_rng(seed).permutation(len(targets))
    halves = of_targets[order[: len(order) // 2]], of_targets[order[len(order) // 2 :]]
    generated, inputs, real = (
        replace(kid(first, second), backbone=str(backbone))
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
        density=density,
        coverage=coverage,
        saturated=float(np.mean([newly_saturated(new, old) for new, old in zip(painted, pictures, strict=True)])),
        patterned=patterned_share([*painted], [*pictures], [*targets, *training_targets]),
    )


def patterned_share(
    painted: Sequence[np.ndarray], pictures: Sequence[np.ndarray], real: Sequence[np.ndarray]
) -> float | None:
    """See `CycleEvaluation.patterned`.

    Args:
        painted: uint8 (height, width, 3) each, what became of the pictures.
        pictures: of the same shapes.
        real: real pictures of the target.
    """
    usual = np.concatenate([pattern_peaks(picture) for picture in real])
    peaks = np.concatenate([pattern_peaks(new, old) for new, old in zip(painted, pictures, strict=True)])
    return float((peaks > np.percentile(usual, 95)).mean()) if len(usual) and len(peaks) else None

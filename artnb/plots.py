"""Every figure of the course, one function each, returning the matplotlib axes.

Colours are those of seaborn's "colorblind" palette, and nothing is told by colour alone.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from artnb.paintings import catalogue

BLUE, ORANGE, GREEN, RED, PURPLE, BROWN, PINK, GREY, YELLOW, SKY = sns.color_palette("colorblind").as_hex()
SUBSET_COLOURS = {"train": BLUE, "validation": YELLOW, "test": RED}


def use_style() -> None:
    """The look of all figures: quiet axes, readable sizes. Call it once, at the top of a notebook."""
    sns.set_theme(context="notebook", style="ticks", palette="colorblind")
    plt.rcParams.update(
        {
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.titlelocation": "left",
            "axes.titlepad": 10,
            "figure.constrained_layout.use": True,
            "figure.dpi": 80,
            "figure.figsize": (9, 4),
        }
    )


def gallery(
    images: Sequence[np.ndarray], titles: Sequence[str] = (), columns: int = 5, size: float = 2.0
) -> np.ndarray:
    """Pictures in rows, each with its title above it.

    Args:
        images: RGB pictures, uint8 or floats in [0, 1], of any sizes.
        titles: one for each picture, or none.
        columns: pictures in a row.
        size: inches of a picture's side.
    """
    rows = -(-len(images) // columns)
    height = size + 0.3 * (max((title.count("\n") + 1 for title in titles), default=0))
    _, axes = plt.subplots(rows, columns, figsize=(columns * size, rows * height), squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for axis, image in zip(axes.flat, images, strict=False):
        axis.imshow(image)
    for axis, title in zip(axes.flat, titles, strict=False):
        axis.set_title(title, fontsize="small", loc="center", pad=3)
    return axes


def side_by_side(
    pairs: Sequence[tuple[np.ndarray, np.ndarray]], titles: Sequence[str] = (), size: float = 1.6
) -> np.ndarray:
    """Pairs of pictures, the two of a pair above each other."""
    _, axes = plt.subplots(2, len(pairs), figsize=(len(pairs) * size, 2.3 * size), squeeze=False)
    for column, pair in enumerate(pairs):
        for axis, image in zip(axes[:, column], pair, strict=True):
            axis.imshow(image)
            axis.axis("off")
    for axis, title in zip(axes[0], titles, strict=False):
        axis.set_title(title, fontsize="small", loc="center", pad=3)
    return axes


def paintings_per_artist(paintings: pd.Series, title: str) -> np.ndarray:
    """Histogram and box plot of the number of paintings, one value for each artist."""
    _, (above, below) = plt.subplots(2, 1, sharex=True, height_ratios=[4, 1], figsize=(9, 4.5))
    sns.histplot(x=paintings, bins=20, ax=above, color=BLUE)
    sns.boxplot(x=paintings, ax=below, color=SKY, width=0.6)
    for value, name in ((paintings.median(), "median"), (paintings.mean(), "mean")):
        above.axvline(
            value, color="black", linestyle="--" if name == "mean" else "-", linewidth=1, label=f"{name} {value:.0f}"
        )
    above.legend(frameon=False)
    above.set(title=title, xlabel="", ylabel="artists")
    above.yaxis.set_major_locator(MaxNLocator(integer=True))
    below.set(xlabel="paintings", yticks=[])
    return np.array([above, below])


def bars(counts: pd.Series, title: str, xlabel: str = "paintings", threshold: float | None = None) -> Axes:
    """One horizontal bar for each entry, its number written at its end; `threshold` is a dashed line."""
    _, axis = plt.subplots(figsize=(9, 0.6 + 0.24 * len(counts)))
    colours = [BLUE if threshold is None or count >= threshold else GREY for count in counts]
    drawn = axis.barh([str(name) for name in counts.index], counts.to_numpy(), color=colours)
    for text in axis.bar_label(drawn, fmt="{:,.0f}", padding=3, fontsize="x-small"):
        text.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.5})
    axis.invert_yaxis()
    axis.margins(y=0.01)
    axis.tick_params(axis="y", labelsize="x-small", length=0)
    if threshold is not None:
        axis.axvline(threshold, color="black", linestyle="--", linewidth=1, label=f"at least {threshold:g}")
        axis.legend(frameon=False, loc="lower right")
    axis.set(title=title, xlabel=xlabel)
    return axis


def timeline(artists: pd.DataFrame, title: str = "When they lived") -> Axes:
    """A bar from birth to death for each artist whose years are known, the earliest on top."""
    lives = catalogue.lifetimes(artists).dropna().sort_values(["born", "died"], kind="stable")
    born, died = lives["born"].to_numpy(float), lives["died"].to_numpy(float)
    _, axis = plt.subplots(figsize=(9, 0.8 + 0.19 * len(lives)))
    axis.barh(lives["name"], died - born, left=born, color=BLUE, height=0.6)
    for row, (first, name) in enumerate(zip(born, lives["name"], strict=True)):
        axis.annotate(
            name, (first, row), (-4, 0), textcoords="offset points", ha="right", va="center", fontsize="x-small"
        )
    axis.invert_yaxis()
    axis.margins(y=0.01)
    span = died.max() - born.min()
    axis.set(title=title, xlabel="year", yticks=[], xlim=(born.min() - 0.28 * span, died.max() + 0.02 * span))
    axis.spines["left"].set_visible(False)
    axis.grid(axis="x", color="0.9")
    axis.set_axisbelow(True)
    return axis


def sizes(width: Sequence[float], height: Sequence[float], title: str) -> Axes:
    """How large the pictures are, one dot each; the diagonal is square."""
    _, axis = plt.subplots(figsize=(5, 4.5))
    axis.scatter(width, height, s=30, alpha=0.4, color=BLUE, linewidths=0)
    largest = 1.05 * max(np.max(width), np.max(height))
    axis.plot([0, largest], [0, largest], color="0.6", linewidth=1, label="square")
    axis.legend(frameon=False)
    axis.set(title=title, xlabel="width (pixels)", ylabel="height (pixels)", xlim=(0, largest), ylim=(0, largest))
    return axis


def spread(table: pd.DataFrame, value: str, title: str, xlabel: str) -> Axes:
    """A box for each artist, the lowest median on top."""
    order = table.groupby("artist")[value].median().sort_values().index
    _, axis = plt.subplots(figsize=(9, 0.8 + 0.24 * len(order)))
    sns.boxplot(table, x=value, y="artist", order=order, color=SKY, fliersize=2, linewidth=1, ax=axis)
    axis.tick_params(axis="y", labelsize="x-small", length=0)
    axis.set(title=title, xlabel=xlabel, ylabel="")
    return axis


def palettes(colours: dict[str, np.ndarray], shares: dict[str, np.ndarray], title: str) -> Axes:
    """A strip for each artist: the colours, as wide as their share of the pixels.

    Args:
        colours: artist -> (k, 3) RGB in [0, 1].
        shares: artist -> (k,), summing to 1.
        title: of the figure.
    """
    _, axis = plt.subplots(figsize=(9, 0.6 + 0.32 * len(colours)))
    for row, artist in enumerate(colours):
        left = np.concatenate([[0], np.cumsum(shares[artist])[:-1]])
        axis.barh([row] * len(left), shares[artist], left=left, color=colours[artist], height=0.85)
    axis.set(title=title, xlabel="share of the pixels", xlim=(0, 1), ylim=(len(colours) - 0.5, -0.5))
    axis.set_yticks(range(len(colours)), list(colours), fontsize="x-small")
    axis.tick_params(axis="y", length=0)
    axis.spines["left"].set_visible(False)
    return axis


def split_sizes(table: pd.DataFrame, title: str) -> Axes:
    """How many paintings of each artist are in each subset, as stacked bars."""
    counts = pd.crosstab(table["artist"], table["subset"])[list(SUBSET_COLOURS)]
    counts = counts.loc[counts.sum(axis=1).sort_values(ascending=False).index]
    _, axis = plt.subplots(figsize=(9, 0.9 + 0.26 * len(counts)))
    left = np.zeros(len(counts))
    for subset, colour in SUBSET_COLOURS.items():
        values = counts[subset].to_numpy()
        drawn = axis.barh(counts.index, values, left=left, color=colour, label=subset, edgecolor="white")
        axis.bar_label(
            drawn, label_type="center", fontsize="xx-small", color="white" if subset != "validation" else "black"
        )
        left += values
    axis.invert_yaxis()
    axis.tick_params(axis="y", labelsize="x-small", length=0)
    axis.legend(frameon=False, ncols=3, loc="lower right")
    axis.set(title=title, xlabel="paintings")
    return axis


def before_and_after(
    before: Sequence[np.ndarray], after: Sequence[Sequence[np.ndarray]], size: float = 1.3
) -> np.ndarray:
    """Each picture at the left of its row, its changed versions beside it.

    Args:
        before: pictures, RGB uint8.
        after: as many rows of changed versions, RGB uint8.
        size: inches of a picture's side.
    """
    columns = 1 + max(map(len, after))
    _, axes = plt.subplots(len(before), columns, figsize=(columns * size, len(before) * size + 0.3), squeeze=False)
    for row, (first, others) in zip(axes, zip(before, after, strict=True), strict=True):
        for axis, image in zip(row, [first, *others], strict=False):
            axis.imshow(image)
        for axis in row:
            axis.axis("off")
    axes[0, 0].set_title("as it is", fontsize="small", loc="center")
    axes[0, columns // 2].set_title("in the first epochs", fontsize="small", loc="center")
    return axes

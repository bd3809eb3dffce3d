"""The figures that several notebooks or a page draw, one function each, returning the matplotlib axes.

A figure of one notebook is drawn there, where it can be read. Colours are those of seaborn's "colorblind" palette,
and nothing is told by colour alone.
"""

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from artnb.common import extras

with extras.needed("course", "The figures need", "matplotlib", "seaborn"):
    import matplotlib.pyplot as plt
    import seaborn as sns
    from matplotlib.axes import Axes
    from matplotlib.dates import AutoDateLocator, DateFormatter
    from matplotlib.ticker import MaxNLocator, PercentFormatter

BLUE, ORANGE, GREEN, RED, PURPLE, BROWN, PINK, GREY, YELLOW, SKY = sns.color_palette("colorblind").as_hex()
FOUR = (BLUE, ORANGE, GREEN, PURPLE), ("-", "--", ":", "-.")  # colours and lines of up to four curves
SUBSET_COLOURS = {"train": BLUE, "validation": YELLOW, "test": RED}


def use_style() -> None:
    """The look of all figures: quiet axes, readable sizes. Call it once, at the top of a notebook.

    A notebook keeps its figures as JPEG: most of them are photographs and paintings, which as PNG take four times as
    much.
    """
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
    if "ipykernel" in sys.modules:
        from matplotlib_inline.config import InlineBackend

        inline = InlineBackend.instance()
        how: dict[str, Any] = {"bbox_inches": "tight", "pil_kwargs": {"quality": 90, "subsampling": 0}}
        inline.print_figure_kwargs = how
        inline.figure_formats = {"jpeg"}


def _plain(text: object) -> str:
    """A name as it is: between two dollars matplotlib would see a formula, and fail if it is none."""
    return str(text).replace("$", r"\$")


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
        axis.set_title(_plain(title), fontsize="small", loc="center", pad=3)
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
        axis.set_title(_plain(title), fontsize="small", loc="center", pad=3)
    return axes


def bars(counts: pd.Series, title: str, xlabel: str = "paintings", threshold: float | None = None) -> Axes:
    """One horizontal bar for each entry, its number written at its end; `threshold` is a dashed line."""
    _, axis = plt.subplots(figsize=(9, max(1.8, 0.6 + 0.24 * len(counts))))
    colours = [BLUE if threshold is None or count >= threshold else GREY for count in counts]
    drawn = axis.barh([_plain(name) for name in counts.index], counts.to_numpy(), color=colours)
    for text in axis.bar_label(drawn, fmt="{:,.0f}", padding=3, fontsize="x-small"):
        text.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 2})  # the line stops short of the number
    axis.invert_yaxis()
    axis.margins(y=0.01)
    axis.tick_params(axis="y", labelsize="x-small", length=0)
    if threshold is not None:
        axis.axvline(threshold, color="black", linestyle="--", linewidth=1, label=f"at least {threshold:g}")
        axis.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1))  # beside the title, where no bar is
    axis.set(title=_plain(title), xlabel=xlabel)
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


def training_curves(history: pd.DataFrame, title: str) -> np.ndarray:
    """Loss and accuracy of training and validation per epoch; a line where a phase begins.

    Args:
        history: as `classification.training.train` returns it.
        title: of the figure.
    """
    figure, axes = plt.subplots(1, 2, figsize=(11, 3.6))
    for axis, name in zip(axes, ("loss", "accuracy"), strict=True):
        axis.plot(history["epoch"], history[name], color=BLUE, marker="o", markersize=3, label="training (augmented)")
        axis.plot(
            history["epoch"],
            history[f"val_{name}"],
            color=ORANGE,
            marker="s",
            markersize=3,
            label="validation",
            ls="--",
        )
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.set(xlabel="epoch", title=name)
        for phase, rows in history.groupby("phase", sort=False):
            if history["phase"].nunique() > 1:
                axis.axvline(rows["epoch"].min() - 0.5, color="0.6", linewidth=1)
                axis.text(
                    rows["epoch"].min() - 0.3, 0.02, phase, transform=axis.get_xaxis_transform(), fontsize="x-small"
                )
    axes[1].set_ylim(0, 1)
    axes[1].yaxis.set_major_formatter(PercentFormatter(1))
    axes[0].legend(frameon=False, fontsize="small")
    figure.suptitle(_plain(title))
    return axes


def confusion(
    matrices: dict[str, np.ndarray], class_names: Sequence[str], size: float = 5.5, columns: int = 2
) -> np.ndarray:
    """Confusion matrices: colours are shares of the right artist's pictures, numbers are pictures.

    The rows are named and numbered, the columns have the numbers only: names would collide.

    Args:
        matrices: title -> (classes, classes) counts, rows the right artists.
        class_names: of the rows and columns.
        size: inches of a matrix.
        columns: matrices in a row.
    """
    columns = min(columns, len(matrices))
    rows = -(-len(matrices) // columns)
    _, axes = plt.subplots(rows, columns, figsize=(columns * size * 0.85 + 1.2, rows * (size + 0.3)), squeeze=False)
    numbers = range(1, len(class_names) + 1)
    names = [f"{_plain(name)}  {number}" for number, name in zip(numbers, class_names, strict=True)]
    for axis in axes.flat[len(matrices) :]:
        axis.axis("off")
    for number, (title, matrix) in enumerate(matrices.items()):
        axis = axes.flat[number]
        share = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
        sns.heatmap(
            share, annot=np.where(matrix > 0, matrix.astype(str), ""), fmt="", cmap="cividis", vmin=0, vmax=1, ax=axis,
            xticklabels=numbers, yticklabels=names if number % columns == 0 else numbers,
            annot_kws={"size": "x-small"}, cbar=False, square=True,
        )  # fmt: skip
        last = number + columns >= len(matrices)  # of its column
        axis.set(
            title=_plain(title),
            xlabel="predicted" if last else "",
            ylabel="right artist" if number % columns == 0 else "",
        )
        axis.tick_params(labelsize="x-small", length=0)
        axis.tick_params(labelrotation=0)
    return axes


def reliability(tables: dict[str, pd.DataFrame], title: str) -> Axes:
    """How often a model is right against how sure it is; on the diagonal, its word can be taken.

    Args:
        tables: label -> as `evaluation.calibration` returns it.
        title: of the figure.
    """
    figure, axis = plt.subplots(figsize=(5.2, 5.2))
    axis.plot([0, 1], [0, 1], color="0.6", linewidth=1, label="as sure as right")
    for (label, table), colour, mark in zip(tables.items(), (ORANGE, BLUE, GREEN), "Dos", strict=False):
        axis.plot(table["confidence"], table["accuracy"], color=colour, linewidth=1)
        axis.scatter(table["confidence"], table["accuracy"], s=10 + 200 * table["n"] / table["n"].sum(), color=colour,
                     marker=mark, label=_plain(label))  # fmt: skip
    figure.legend(frameon=False, fontsize="small", loc="outside lower center")
    for ticks in (axis.xaxis, axis.yaxis):
        ticks.set_major_formatter(PercentFormatter(1))
    axis.set(
        title=_plain(title), xlabel="mean probability of the predicted artist", ylabel="share of right predictions"
    )
    return axis


def predictions(
    images: Sequence[np.ndarray], actual: Sequence[str], predicted: Sequence[str], probability: Sequence[float],
    columns: int = 4,
) -> np.ndarray:  # fmt: skip
    """Pictures with what they are, what the model says, and how sure it is; a wrong one says so."""
    titles = [
        f"Actual artist = {artist}\nPredicted artist = {guess}{'' if artist == guess else '  ✗'}\n"
        f"Prediction probability = {100 * share:.2f} %"
        for artist, guess, share in zip(actual, predicted, probability, strict=True)
    ]
    return gallery(images, titles, columns=columns, size=3.3)


def attention(images: Sequence[np.ndarray], heat: Sequence[np.ndarray], titles: Sequence[str]) -> np.ndarray:
    """Pictures, and below each the same in grey under what speaks for the predicted artist (yellow: most).

    Args:
        images: RGB uint8.
        heat: of the same heights and widths, in [0, 1].
        titles: one for each picture.
    """
    overlays = []
    for image, values in zip(images, heat, strict=True):
        grey = np.asarray(image, float).mean(-1, keepdims=True) / 255
        colour = plt.get_cmap("cividis")(values)[..., :3]
        overlays.append(0.4 * grey + 0.6 * colour * (0.35 + 0.65 * grey))
    return side_by_side(list(zip(images, overlays, strict=True)), titles, size=2.2)


def models_compared(table: pd.DataFrame, title: str) -> Axes:
    """Test accuracy of each model with its interval, and its accuracies on training and validation paintings.

    Args:
        table: a row per model (index: its name): train, validation, test, low, high, all in [0, 1].
        title: of the figure.
    """
    figure, axis = plt.subplots(figsize=(9, 1.5 + 0.45 * len(table)))
    names = [_plain(name) for name in table.index]
    axis.hlines(
        names, table["low"], table["high"], color=RED, linewidth=5, alpha=0.35, label="95 % interval of the test"
    )
    for name, mark in (("train", "^"), ("validation", "s"), ("test", "o")):
        colour = SUBSET_COLOURS[name]
        axis.scatter(
            table[name], names, color=colour, marker=mark, label=name, zorder=3, edgecolor="black", linewidth=0.4
        )
    axis.invert_yaxis()
    axis.xaxis.set_major_formatter(PercentFormatter(1))
    figure.legend(frameon=False, fontsize="small", ncols=4, loc="outside lower center")
    axis.set(title=_plain(title), xlabel="accuracy", xlim=(0, 1.02))
    axis.margins(y=0.2)
    return axis


def cost_curves(histories: dict[str, pd.DataFrame], title: str, mark: int | None = None) -> np.ndarray:
    """How the cost of a picture, its content loss and its style loss go down, step by step.

    Args:
        histories: a label -> `Painting.history`.
        title: of the figure.
        mark: a step to draw a line at.
    """
    figure, axes = plt.subplots(1, 3, figsize=(12, 3.4))
    for axis, name in zip(axes, ("cost", "content", "style"), strict=True):
        for (label, history), colour, line in zip(histories.items(), *FOUR, strict=False):
            axis.plot(history["step"], history[name], color=colour, linestyle=line, label=_plain(label))
        axis.set(xlabel="step", title=name if name == "cost" else f"{name} loss")
        if name != "content":  # which begins at 0
            axis.set_yscale("log")
        if mark is not None:
            axis.axvline(mark, color="0.6", linewidth=1)
            axis.text(mark, 0.98, f" step {mark}", transform=axis.get_xaxis_transform(), fontsize="x-small", va="top")
    marks, labels = axes[1].get_legend_handles_labels()
    figure.legend(marks, labels, frameon=False, fontsize="small", ncols=2, loc="outside lower center")
    figure.suptitle(_plain(title))
    return axes


def gan_curves(history: pd.DataFrame, title: str) -> np.ndarray:
    """The losses of a CycleGAN's four networks, logarithmically, and of its two promises, step by step.

    Args:
        history: of a `CycleTraining`.
        title: of the figure.
    """
    figure, axes = plt.subplots(2, 3, figsize=(12, 5.5), sharex=True)
    panels = ("monet_generator", "monet_discriminator", "cycle", "photo_generator", "photo_discriminator", "identity")
    for axis, name in zip(axes.flat, panels, strict=True):
        colour = GREEN if name in ("cycle", "identity") else BLUE if name.startswith("monet") else ORANGE
        axis.plot(history["step"], history[name], color=colour, alpha=0.35)
        axis.plot(history["step"], history[name].rolling(5, min_periods=1).mean(), color=colour)
        axis.set(title=name.replace("_", " ").replace("monet", "Monet"))
        if name in ("cycle", "identity"):
            axis.set(ylim=(0, None))
        else:
            axis.set(yscale="log")
        if name.endswith("discriminator"):
            axis.axhline(0.25, color="0.4", linestyle=":", label="says ½ to everything")
            axis.legend()
    for axis in axes[1]:
        axis.set(xlabel="step")
    figure.suptitle(_plain(title))
    return axes.flat[:]


def service(days: pd.DataFrame, title: str) -> np.ndarray:
    """How much models were asked, how long they took and how sure they were, day by day.

    Args:
        days: as in `monitoring.Report`.
        title: of the figure.
    """
    figure, axes = plt.subplots(1, 3, figsize=(13, 3.6))
    when = pd.to_datetime(days["day"])
    axes[0].bar(when, days["answers"], color=SKY, label="answers")
    axes[0].bar(when, days["errors"], color=RED, hatch="///", edgecolor="white", label="of them errors")
    axes[0].set(title="traffic", ylim=(0, None))
    panels = (
        (axes[1], (("p50", "half are faster"), ("p95", "19 of 20 are faster")), "seconds to an answer"),
        (axes[2], (("confidence", "mean confidence"), ("unfamiliar", "unlike anything known")), "shares"),
    )
    for axis, lines, name in panels:
        styles = ((BLUE, "-", "o"), (ORANGE, "--", "s"))
        for (column, label), (colour, line, mark) in zip(lines, styles, strict=True):
            axis.plot(when, days[column], color=colour, linestyle=line, marker=mark, markersize=3, label=label)
        axis.set(title=name, ylim=(0, None))
    axes[2].set_ylim(0, 1)
    axes[2].yaxis.set_major_formatter(PercentFormatter(1))
    for axis in axes:
        _days_below(axis, 5)
        axis.margins(y=0.25)
        axis.legend(frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(0, -0.12))
    figure.suptitle(_plain(title))
    return axes


def _days_below(axis: Axes, most: int) -> None:
    """At most so many days, such as 09 Nov, along the axis."""
    axis.xaxis.set_major_locator(AutoDateLocator(minticks=2, maxticks=most, interval_multiples=False))
    axis.xaxis.set_major_formatter(DateFormatter("%d %b"))


def weekly_measures(weeks: pd.DataFrame, title: str) -> np.ndarray:
    """The measures of style models week by week; the band is where nothing has changed, a red diamond is below it.

    Args:
        weeks: as `monitoring.weekly` returns it.
        title: of the figure.
    """
    models, measures = weeks["model"].unique(), weeks["measure"].unique()
    size = 3.6 * len(measures), 2.6 * len(models) + 0.4
    figure, axes = plt.subplots(len(models), len(measures), figsize=size, squeeze=False)
    for row, model in zip(axes, models, strict=True):
        for axis, measure in zip(row, measures, strict=True):
            rows = weeks[(weeks["model"] == model) & (weeks["measure"] == measure)].sort_values("week")
            when = pd.to_datetime(rows["week"])
            axis.fill_between(when, rows["low"], rows["high"], color="0.88", linewidth=0)
            axis.plot(when, rows["mean"], color=BLUE, marker="o", markersize=4)
            low = rows["warning"].to_numpy(bool)
            axis.scatter(when[low], rows["mean"][low], color=RED, marker="D", s=60, zorder=3)
            _days_below(axis, 4)
            axis.set(title=str(measure).replace("_", " "), ylabel=_plain(model) if axis is row[0] else "")
    figure.suptitle(_plain(title))
    return axes

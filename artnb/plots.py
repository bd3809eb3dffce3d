"""Every figure of the course, one function each, returning the matplotlib axes.

Colours are those of seaborn's "colorblind" palette, and nothing is told by colour alone.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, DateFormatter
from matplotlib.ticker import MaxNLocator, NullFormatter, PercentFormatter

from artnb.paintings import catalogue

BLUE, ORANGE, GREEN, RED, PURPLE, BROWN, PINK, GREY, YELLOW, SKY = sns.color_palette("colorblind").as_hex()
FOUR = (BLUE, ORANGE, GREEN, PURPLE), ("-", "--", ":", "-.")  # colours and lines of up to four curves
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
    _, axis = plt.subplots(figsize=(9, max(1.8, 0.6 + 0.24 * len(counts))))
    colours = [BLUE if threshold is None or count >= threshold else GREY for count in counts]
    drawn = axis.barh([str(name) for name in counts.index], counts.to_numpy(), color=colours)
    for text in axis.bar_label(drawn, fmt="{:,.0f}", padding=3, fontsize="x-small"):
        text.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 2})  # the line stops short of the number
    axis.invert_yaxis()
    axis.margins(y=0.01)
    axis.tick_params(axis="y", labelsize="x-small", length=0)
    if threshold is not None:
        axis.axvline(threshold, color="black", linestyle="--", linewidth=1, label=f"at least {threshold:g}")
        axis.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1))  # beside the title, where no bar is
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
    figure.suptitle(title)
    return axes


def learning_rates(rates: dict[str, np.ndarray], title: str) -> Axes:
    """The learning rate of each step of a training, one line for each label."""
    _, axis = plt.subplots(figsize=(9, 3))
    for (label, values), colour, line in zip(rates.items(), (BLUE, ORANGE, GREEN), ("-", "--", ":"), strict=False):
        axis.plot(values, color=colour, linestyle=line, label=label)
    axis.legend(frameon=False, fontsize="small")
    axis.set(title=title, xlabel="step", ylabel="learning rate", ylim=(0, None))
    return axis


def confusion(
    matrices: dict[str, np.ndarray], class_names: Sequence[str], size: float = 5.5, columns: int = 2
) -> np.ndarray:
    """Confusion matrices: colours are shares of the right artist's pictures, numbers are pictures.

    Args:
        matrices: title -> (classes, classes) counts, rows the right artists.
        class_names: of the rows and columns.
        size: inches of a matrix.
        columns: matrices in a row.
    """
    columns = min(columns, len(matrices))
    rows = -(-len(matrices) // columns)
    _, axes = plt.subplots(rows, columns, figsize=(columns * size * 0.85 + 1.2, rows * (size + 0.3)), squeeze=False)
    for axis in axes.flat[len(matrices) :]:
        axis.axis("off")
    for number, (title, matrix) in enumerate(matrices.items()):
        axis = axes.flat[number]
        share = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
        sns.heatmap(
            share, annot=np.where(matrix > 0, matrix.astype(str), ""), fmt="", cmap="cividis", vmin=0, vmax=1, ax=axis,
            xticklabels=class_names, yticklabels=class_names if number % columns == 0 else False,
            annot_kws={"size": "x-small"}, cbar=False, square=True,
        )  # fmt: skip
        last = number + columns >= len(matrices)  # of its column
        axis.set(
            title=title, xlabel="predicted" if last else "", ylabel="right artist" if number % columns == 0 else ""
        )
        axis.tick_params(labelsize="x-small", length=0)
        axis.set_xticks(axis.get_xticks(), axis.get_xticklabels(), rotation=40, ha="right", rotation_mode="anchor")
    return axes


def per_class(table: pd.DataFrame, title: str) -> Axes:
    """Precision and recall of each artist as two marks on a line, the best recall on top.

    Args:
        table: as in `Evaluation.per_class`.
        title: of the figure.
    """
    table = table.sort_values("recall", ascending=False)
    names = [f"{artist} ({row['n']:.0f})" for artist, row in table.iterrows()]
    figure, axis = plt.subplots(figsize=(9, 1.3 + 0.3 * len(table)))
    axis.hlines(names, table["precision"], table["recall"], color="0.8", linewidth=3, zorder=1)
    axis.scatter(table["recall"], names, color=BLUE, label="recall: of the artist's, found", zorder=2)
    axis.scatter(
        table["precision"], names, color=ORANGE, marker="D", label="precision: of those named, right", zorder=2
    )
    axis.invert_yaxis()
    axis.xaxis.set_major_formatter(PercentFormatter(1))
    figure.legend(frameon=False, fontsize="small", ncols=2, loc="outside lower center")
    axis.set(title=title, xlabel="share of pictures", xlim=(-0.02, 1.03))
    axis.tick_params(axis="y", labelsize="x-small", length=0)
    return axis


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
                     marker=mark, label=label)  # fmt: skip
    figure.legend(frameon=False, fontsize="small", loc="outside lower center")
    for ticks in (axis.xaxis, axis.yaxis):
        ticks.set_major_formatter(PercentFormatter(1))
    axis.set(title=title, xlabel="mean probability of the predicted artist", ylabel="share of right predictions")
    return axis


def predictions(
    images: Sequence[np.ndarray], actual: Sequence[str], predicted: Sequence[str], probability: Sequence[float],
    columns: int = 4,
) -> np.ndarray:  # fmt: skip
    """Pictures with what they are, what the model says, and how sure it is; a wrong one says so."""
    titles = [
        f"Actual artist = {right}\nPredicted artist = {said}{'' if right == said else '  ✗'}\n"
        f"Prediction probability = {100 * share:.2f} %"
        for right, said, share in zip(actual, predicted, probability, strict=True)
    ]
    return gallery(images, titles, columns=columns, size=3.3)


def attention(images: Sequence[np.ndarray], heat: Sequence[np.ndarray], titles: Sequence[str]) -> np.ndarray:
    """Pictures, and below each the same in grey under what speaks for the predicted artist (yellow: most).

    Args:
        images: RGB uint8.
        heat: of the same heights and widths, in [0, 1].
        titles: one for each picture.
    """
    seen = []
    for image, values in zip(images, heat, strict=True):
        grey = np.asarray(image, float).mean(-1, keepdims=True) / 255
        colour = plt.get_cmap("cividis")(values)[..., :3]
        seen.append(0.4 * grey + 0.6 * colour * (0.35 + 0.65 * grey))
    return side_by_side(list(zip(images, seen, strict=True)), titles, size=2.2)


def search_results(table: pd.DataFrame, title: str, columns: int = 3) -> np.ndarray:
    """The validation accuracy of each trial against each of its settings; the best trial is marked.

    Args:
        table: as `classification.tuning.results` returns it.
        title: of the figure.
        columns: settings in a row.
    """
    settings = [str(name) for name in table if name not in ("trial", "epochs", "val_accuracy")]
    columns = min(columns, len(settings))
    rows = -(-len(settings) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(3.3 * columns + 0.5, 2.6 * rows + 1), sharey=True, squeeze=False
    )
    for axis in axes.flat[len(settings) :]:
        axis.axis("off")
    lengths = sorted(table["epochs"].dropna().unique())
    for axis, name in zip(axes.flat, settings, strict=False):
        values = table[name].astype(float)
        axis.scatter(values[:1], table["val_accuracy"][:1], s=260, facecolor="none", edgecolor=RED, linewidth=1.5,
                     label="best")  # fmt: skip
        for number, length in enumerate(lengths or [None]):
            of = table["epochs"] == length if lengths else table["epochs"].isna()
            colour = (SKY, BLUE, GREEN, PURPLE)[number % 4] if lengths else BLUE
            label = f"{length:.0f} epoch{'s' if length > 1 else ''}" if lengths else "a trial"
            mark = "v^so"[number % 4] if lengths else "o"
            axis.scatter(values[of], table["val_accuracy"][of], color=colour, marker=mark, label=label)
        if values.min() > 0 and values.max() / values.min() > 20:
            axis.set_xscale("log")
            axis.xaxis.set_minor_formatter(NullFormatter())
        axis.set(xlabel=name.replace("_", " "))
        axis.margins(x=0.15, y=0.15)
    for axis in axes[:, 0]:
        axis.set(ylabel="validation\naccuracy")
    axes[0, 0].yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes[0, 0].set_title(title)
    marks, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(marks, labels, frameon=False, fontsize="small", ncols=len(marks), loc="outside lower center")
    return axes.flat[: len(settings)]


def models_compared(table: pd.DataFrame, title: str) -> Axes:
    """Test accuracy of each model with its interval, and its accuracies on training and validation paintings.

    Args:
        table: a row per model (index: its name): train, validation, test, low, high, all in [0, 1].
        title: of the figure.
    """
    figure, axis = plt.subplots(figsize=(9, 1.5 + 0.45 * len(table)))
    names = list(table.index)
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
    axis.set(title=title, xlabel="accuracy", xlim=(0, 1.02))
    axis.margins(y=0.2)
    return axis


def executions(trainings: pd.DataFrame, title: str) -> Axes:
    """Each training of a search as a dot, in a row with those of the same settings; a bar is their mean.

    Args:
        trainings: a row per training: setting (what its row is called), val_accuracy.
        title: of the figure.
    """
    means = trainings.groupby("setting")["val_accuracy"].mean().sort_values(ascending=False)
    _, axis = plt.subplots(figsize=(9, 1.2 + 0.35 * len(means)))
    axis.scatter(trainings["val_accuracy"], trainings["setting"].map(list(means.index).index), color=BLUE, alpha=0.7)
    axis.scatter(means, range(len(means)), color=RED, marker="|", s=250, linewidth=2)
    axis.set_yticks(range(len(means)), list(means.index), fontsize="small")
    axis.invert_yaxis()
    axis.margins(y=0.2)
    axis.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axis.set(title=title, xlabel="validation accuracy: dots are trainings, red lines means")
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
            axis.plot(history["step"], history[name], color=colour, linestyle=line, label=label)
        axis.set(xlabel="step", title=name if name == "cost" else f"{name} loss")
        if name != "content":  # which begins at 0
            axis.set_yscale("log")
        if mark is not None:
            axis.axvline(mark, color="0.6", linewidth=1)
            axis.text(mark, 0.98, f" step {mark}", transform=axis.get_xaxis_transform(), fontsize="x-small", va="top")
    marks, labels = axes[1].get_legend_handles_labels()
    figure.legend(marks, labels, frameon=False, fontsize="small", ncols=2, loc="outside lower center")
    figure.suptitle(title)
    return axes


def gan_curves(history: pd.DataFrame, title: str) -> np.ndarray:
    """The losses of a CycleGAN's four networks, and of its two promises, step by step.

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
        axis.set(title=name.replace("_", " ").replace("monet", "Monet"), ylim=(0, None))
    for axis in axes[1]:
        axis.set(xlabel="step")
    figure.suptitle(title)
    return axes.flat[:]


def two_cycles() -> Axes:
    """Photograph to Monet to photograph, Monet to photograph to Monet, and who judges what, as a drawing."""
    _, axis = plt.subplots(figsize=(11, 3.6))
    axis.set(xlim=(0, 11), ylim=(0, 4))
    axis.axis("off")
    for row, (start, made, there, back) in enumerate(
        (("photograph", "Monet", "G", "F"), ("Monet", "photograph", "F", "G"))
    ):
        y, colour = 3 - 2 * row, (BLUE, ORANGE)[row]
        names = (f"a {start}", f"a generated\n{made}", f"the {start}\nonce more")
        for x, name in zip((1.2, 5.2, 9.2), names, strict=True):
            axis.text(
                x, y, name, ha="center", va="center", bbox={"boxstyle": "round,pad=0.6", "fc": "white", "ec": colour}
            )
        for x, label in ((2.3, there), (6.3, back)):
            axis.annotate("", (x + 1.8, y), (x, y), arrowprops={"arrowstyle": "->", "color": colour, "lw": 2})
            axis.text(x + 0.9, y + 0.2, label, ha="center", style="italic", size="large")
        axis.annotate(
            "", (1.2, y - 0.45), (9.2, y - 0.45),
            arrowprops={"arrowstyle": "<->", "color": GREEN, "lw": 1.5, "connectionstyle": "arc3,rad=-0.12"},
        )  # fmt: skip
        axis.text(5.2, y - 0.78, "cycle loss: the same?", ha="center", color=GREEN, size="small")
        axis.text(5.2, y + 0.62, f"a discriminator: real {made}s or generated ones?", ha="center", size="small")
    return axis


def course_map() -> Axes:
    """What each part of the course hands to the next, with the numbers of the notebooks, as a drawing."""
    _, axis = plt.subplots(figsize=(12, 2.4))
    axis.set(xlim=(0, 12), ylim=(0.4, 2.9))
    axis.axis("off")
    parts = (
        ("collection", "1", BLUE), ("split", "2", BLUE), ("pipeline", "2", BLUE),
        ("model", "3, 4, 5\n7, 8, 10", ORANGE), ("evaluation", "6, 9, 11", GREEN), ("page", "make demo", PURPLE),
        ("operation", "12", RED),
    )  # fmt: skip
    for number, (name, where, colour) in enumerate(parts):
        x = 0.85 + 1.72 * number
        box = {"boxstyle": "round,pad=0.5", "fc": "white", "ec": colour, "lw": 1.5}
        axis.text(x, 1.5, name, ha="center", va="center", bbox=box)
        axis.text(x, 0.95, where, ha="center", va="top", size="small")
        if number:
            axis.annotate(
                "", (x - 0.6, 1.5), (x - 1.12, 1.5), arrowprops={"arrowstyle": "->", "color": GREY, "lw": 1.5}
            )
    axis.annotate(
        "", (0.85 + 1.72 * 3, 1.85), (0.85 + 1.72 * 6, 1.85),
        arrowprops={"arrowstyle": "->", "color": RED, "lw": 1.5, "connectionstyle": "arc3,rad=0.22"},
    )  # fmt: skip
    axis.text(
        0.85 + 1.72 * 4.5, 2.66, "new paintings, corrections: trained again", ha="center", size="small", color=RED
    )
    return axis


def matrices(named: dict[str, np.ndarray], title: str) -> np.ndarray:
    """Square matrices beside each other on one scale of colours, the largest values cut off so that most can be seen.

    Args:
        named: a label -> (n, n).
        title: of the figure.
    """
    figure, axes = plt.subplots(1, len(named), figsize=(4 * len(named), 4), squeeze=False)
    high = max(float(np.quantile(np.abs(values), 0.98)) for values in named.values())
    low = min(0.0, min(float(values.min()) for values in named.values()))
    for axis, (label, values) in zip(axes[0], named.items(), strict=True):
        shown = axis.imshow(values, cmap="cividis", vmin=low, vmax=high)
        axis.set(title=label, xlabel="channel", ylabel="channel")
    figure.colorbar(shown, ax=list(axes[0]), shrink=0.7)
    figure.suptitle(title)
    return axes[0]


def trade_offs(table: pd.DataFrame, title: str) -> Axes:
    """Distance from the style against distance from the content, a point for each trial; the best ones joined.

    Args:
        table: as `style.search.results` returns it.
        title: of the figure.
    """
    _, axis = plt.subplots(figsize=(6.5, 5))
    beaten, best = table[~table["best"]], table[table["best"]].sort_values("style_distance")
    if len(beaten):
        axis.scatter(beaten["style_distance"], beaten["content_distance"], color="0.65", label="beaten in both")
    axis.plot(best["style_distance"], best["content_distance"], color=BLUE, marker="o", label="beaten by none")
    for number, (x, y) in enumerate(zip(best["style_distance"], best["content_distance"], strict=True), start=1):
        axis.annotate(str(number), (x, y), xytext=(5, 4), textcoords="offset points", fontsize="small")
    axis.set(title=title, xlabel="distance from the style (content: 1)", ylabel="distance from the content")
    axis.legend(frameon=False, fontsize="small")
    return axis


def total_times(costs: dict[str, tuple[float, float]], title: str) -> Axes:
    """How long a model takes altogether, training included, against how many pictures it paints.

    Args:
        costs: a label -> (seconds of training, seconds per picture).
        title: of the figure.
    """
    _, axis = plt.subplots(figsize=(8, 4))
    pictures = np.logspace(0, 5, 200)
    for (label, (training, each)), colour, line in zip(costs.items(), *FOUR, strict=False):
        axis.plot(pictures, (training + each * pictures) / 3600, color=colour, linestyle=line, label=label)
    axis.set(xscale="log", yscale="log", title=title, xlabel="pictures painted", ylabel="hours, training included")
    axis.legend(frameon=False, fontsize="small")
    return axis


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
    figure.suptitle(title)
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
            found = weeks[(weeks["model"] == model) & (weeks["measure"] == measure)].sort_values("week")
            when = pd.to_datetime(found["week"])
            axis.fill_between(when, found["low"], found["high"], color="0.88", linewidth=0)
            axis.plot(when, found["mean"], color=BLUE, marker="o", markersize=4)
            low = found["warning"].to_numpy(bool)
            axis.scatter(when[low], found["mean"][low], color=RED, marker="D", s=60, zorder=3)
            _days_below(axis, 4)
            axis.set(title=str(measure).replace("_", " "), ylabel=model if axis is row[0] else "")
    figure.suptitle(title)
    return axes


def group_accuracy(groups: pd.DataFrame, title: str) -> np.ndarray:
    """Accuracy of each group with its interval and size, the lowest on top; diamonds are worse than the others.

    Args:
        groups: as `bias.by_group` returns it.
        title: of the figure.
    """
    parts = list(groups.groupby("grouping", sort=False))
    heights = [len(rows) + 1.5 for _, rows in parts]
    size = 9, 0.25 * sum(heights) + 0.8
    figure, axes = plt.subplots(len(parts), 1, figsize=size, height_ratios=heights, sharex=True, squeeze=False)
    for axis, (grouping, rows) in zip(axes[:, 0], parts, strict=True):
        names = [f"{group} ({n:,})" for group, n in rows[["group", "n"]].to_numpy()]
        axis.hlines(names, rows["low"], rows["high"], color="0.7", linewidth=3)
        for worse, colour, mark in ((False, BLUE, "o"), (True, RED, "D")):
            chosen = (rows["worse"] == worse).to_numpy()
            axis.scatter(rows["accuracy"][chosen], np.array(names)[chosen], color=colour, marker=mark, zorder=2)
        axis.invert_yaxis()
        axis.tick_params(axis="y", labelsize="x-small", length=0)
        axis.set(title=f"by {grouping}", xlim=(0, 1.02))
        axis.xaxis.set_major_formatter(PercentFormatter(1))
    axes[-1, 0].set(xlabel="accuracy, with its 95 % interval")
    figure.suptitle(title)
    return axes[:, 0]


def picture_statistics(reference: np.ndarray, sample: np.ndarray, names: Sequence[str], title: str) -> np.ndarray:
    """How simple statistics are spread in the reference (filled) and in other pictures (a line).

    Args:
        reference: (n, k).
        sample: (m, k).
        names: of the k statistics.
        title: of the figure.
    """
    figure, axes = plt.subplots(1, len(names), figsize=(2.7 * len(names), 2.8), squeeze=False)
    for axis, name, old, new in zip(axes[0], names, reference.T, sample.T, strict=True):
        edges = np.histogram_bin_edges(np.concatenate([old, new]), 20)
        axis.hist(old, edges, density=True, color="0.8", label="reference")
        axis.hist(new, edges, density=True, histtype="step", color=ORANGE, linewidth=2, label="these pictures")
        axis.set(title=name, yticks=[])
        axis.spines["left"].set_visible(False)
    marks, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(marks, labels, frameon=False, fontsize="small", ncols=2, loc="outside lower center")
    figure.suptitle(title)
    return axes[0]

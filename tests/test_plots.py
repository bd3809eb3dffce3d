"""What a figure must not get wrong, whatever it shows; how it looks is judged by eye."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from artnb import plots


@pytest.fixture(autouse=True)
def figures():
    with plt.rc_context():
        plots.use_style()
        yield
    plt.close("all")


@pytest.mark.parametrize("count", [1, 2, 8, 50])
def test_bars_are_never_squashed(count):
    axis = plots.bars(pd.Series(range(count, 0, -1)), "Some bars")
    axis.figure.draw_without_rendering()
    assert axis.patches[0].get_window_extent().height > 10  # pixels


def test_the_threshold_leaves_numbers_and_bars_readable():
    axis = plots.bars(pd.Series([877, 870, 199, 190, 181]), "Some bars", threshold=200)
    axis.figure.draw_without_rendering()
    (line,) = axis.lines
    crossed = [text for text in axis.texts if text.get_window_extent().overlaps(line.get_window_extent())]
    assert len(crossed) >= 2
    for text in crossed:
        assert text.get_zorder() > line.get_zorder()
        assert text.get_bbox_patch().get_window_extent().height > text.get_window_extent().height + 3
    assert not any(axis.get_legend().get_window_extent().overlaps(bar.get_window_extent()) for bar in axis.patches)


def test_a_name_with_dollars_is_no_formula():
    picture, name = np.zeros((8, 8, 3), np.uint8), "$x^$"
    accuracies = {"train": [0.9], "validation": [0.8], "test": [0.7], "low": [0.6], "high": [0.8]}
    calibration = pd.DataFrame({"confidence": [0.5], "accuracy": [0.5], "n": [3]})
    steps = pd.DataFrame({"step": [1, 2], "cost": [2, 1], "content": [0, 1], "style": [2, 1]})
    for drawn in (
        plots.gallery([picture], [name]),
        plots.side_by_side([(picture, picture)], [name]),
        plots.predictions([picture], [name], [name], [0.5]),
        plots.attention([picture], [picture[..., 0]], [name]),
        plots.bars(pd.Series({name: 3}), name),
        plots.confusion({name: np.eye(2, dtype=int)}, [name, "b"]),
        plots.reliability({name: calibration}, name),
        plots.models_compared(pd.DataFrame(accuracies, index=[name]), name),
        plots.cost_curves({name: steps}, name),
    ):
        figure = np.ravel(drawn)[0].figure
        figure.canvas.draw()
        plt.close(figure)


def written(axis):
    """The texts that are drawn into an axis, but for its titles and labels."""
    return [text.get_text() for text in axis.texts]


def drawn(line):
    return list(line.get_xdata()), list(line.get_ydata())


def test_training_curves_tell_training_from_validation_and_where_a_phase_begins():
    history = pd.DataFrame(
        {
            "epoch": [1, 2, 3], "phase": ["head", "head", "whole"],
            "loss": [2.0, 1.5, 1.0], "val_loss": [2.2, 1.8, 1.4],
            "accuracy": [0.3, 0.5, 0.7], "val_accuracy": [0.2, 0.4, 0.6],
        }
    )  # fmt: skip
    for axis, name in zip(plots.training_curves(history, "A cost of $5"), ("loss", "accuracy"), strict=True):
        training, validation, *phases = axis.lines
        assert (axis.get_title(loc="left"), axis.get_xlabel()) == (name, "epoch")
        assert drawn(training) == ([1, 2, 3], list(history[name])) and "training" in training.get_label()
        assert drawn(validation) == ([1, 2, 3], list(history[f"val_{name}"])) and validation.get_label() == "validation"
        assert validation.get_linestyle() != training.get_linestyle(), "not by colour alone"
        assert [line.get_xdata()[0] for line in phases] == [0.5, 2.5] and written(axis) == ["head", "whole"]
        axis.figure.draw_without_rendering()
        assert all(tick == int(tick) for tick in axis.get_xticks()), "there is no half epoch"
    assert axis.get_ylim() == (0, 1) and axis.figure.get_suptitle() == r"A cost of \$5"
    for axis in plots.training_curves(history.assign(phase="whole"), "one phase"):
        assert len(axis.lines) == 2 and not written(axis), "of one phase nothing begins"


def test_before_and_after_shows_each_picture_beside_what_became_of_it():
    before = [np.full((4, 6, 3), 10 * row, np.uint8) for row in range(2)]
    after = [[np.full((4, 6, 3), 10 * row + number, np.uint8) for number in (1, 2, 3)] for row in range(2)]
    axes = plots.before_and_after(before, after)
    assert axes.shape == (2, 4)
    for row, pictures in enumerate(zip(before, after, strict=True)):
        for axis, picture in zip(axes[row], [pictures[0], *pictures[1]], strict=True):
            (image,) = axis.images
            np.testing.assert_array_equal(image.get_array(), picture)
            assert not axis.axison
    titles = [axis.get_title() for axis in axes[0]]
    assert titles[0] == "as it is" and titles.count("") == 2 and "in the first epochs" in titles[1:]


def test_rows_of_fewer_changed_pictures_have_empty_places_at_their_end():
    picture = np.zeros((4, 4, 3), np.uint8)
    axes = plots.before_and_after([picture, picture], [[picture], [picture, picture]])
    assert [[len(axis.images) for axis in row] for row in axes] == [[1, 1, 0], [1, 1, 1]]
    assert not any(axis.axison for axis in axes.flat)


def test_gan_curves_show_each_loss_as_it_is_and_as_a_mean_of_five():
    names = ("monet_generator", "monet_discriminator", "cycle", "photo_generator", "photo_discriminator", "identity")
    history = pd.DataFrame({"step": range(10, 70, 10)} | {name: np.arange(6.0) * n for n, name in enumerate(names, 1)})
    axes = plots.gan_curves(history, "losses")
    for axis, (n, name) in zip(axes, enumerate(names, 1), strict=True):
        each, mean, *chance = axis.lines
        assert [line.get_ydata()[0] for line in chance] == [0.25] * name.endswith("discriminator")
        promise = name in ("cycle", "identity")
        assert axis.get_yscale() == ("linear" if promise else "log")
        assert drawn(each) == ([10, 20, 30, 40, 50, 60], [0, n, 2 * n, 3 * n, 4 * n, 5 * n])
        assert drawn(mean) == ([10, 20, 30, 40, 50, 60], [0, n / 2, n, 1.5 * n, 2 * n, 3 * n])
        assert axis.get_title(loc="left").lower().replace(" ", "_") == name and (axis.get_ylim()[0] == 0) == promise
    assert axes[0].get_title(loc="left") == "Monet generator"
    assert [axis.get_xlabel() for axis in axes] == [""] * 3 + ["step"] * 3

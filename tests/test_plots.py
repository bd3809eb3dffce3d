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

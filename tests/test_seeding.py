import random

import keras
import numpy as np
import pytest

from artnb.common.seeding import seeded


def weights(seed):
    with seeded(seed):
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dropout(0.5)])
    return model.get_weights()[0], model(np.ones((2, 4)), training=True).numpy()


def test_a_seed_gives_weights_and_dropouts():
    one, again, other = weights(5), weights(5), weights(6)
    assert all(np.array_equal(*pair) for pair in zip(one, again, strict=True))
    assert not np.array_equal(one[0], other[0])


def test_the_callers_random_numbers_go_on_where_they_were():
    def numbers():
        return random.random(), np.random.rand(), float(keras.random.uniform(()))  # noqa: NPY002

    keras.utils.set_random_seed(7)
    numbers()
    expected = numbers()
    keras.utils.set_random_seed(7)
    numbers()
    weights(5)
    assert numbers() == expected
    state = random.getstate()
    with pytest.raises(ZeroDivisionError), seeded(1):
        1 / 0  # noqa: B018
    assert random.getstate() == state

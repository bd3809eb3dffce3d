"""What the tests of painting share: recipes and a network that take little time to compile."""

import keras

from artnb.backbones import Backbone

# Of EfficientNet-Lite0: the deeper layers are slow to compile.
FINE = {"content_layers": {"block2": 1.0}, "style_layers": {"stem": 1.0, "block0": 1.0}}
LAYERS = dict.fromkeys(["fine", "coarse"], 1.0)


def tiny_network(seed=1):
    """Two layers, with a stride of 2 each."""
    pictures = x = keras.Input((None, None, 3))
    for number, name in enumerate(LAYERS):
        start = keras.initializers.HeNormal(seed + number)
        x = keras.layers.Conv2D(4, 3, 2, activation="relu", kernel_initializer=start, name=name)(x)
    return Backbone("tiny", keras.Model(pictures, x), True)

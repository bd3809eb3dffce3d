"""Where a classifier looks: Grad-CAM (Selvaraju et al., ICCV 2017, section 3)."""

import keras
import numpy as np
import tensorflow as tf

from artnb.classification.networks import Network
from artnb.images import ImageError, ImageLike, load_image


def grad_cam(network: Network, image: ImageLike, label: int) -> np.ndarray:
    """What speaks for a class, and where.

    The last map's channels are added up, each weighted by how much the class's probability would grow with it; what
    speaks against the class is cut off. The logarithm of the probability is used, so that a sure network has a
    gradient, too.

    Args:
        network: any.
        image: whatever `load_image` takes; of the network's size, as `fit` returns it.
        label: the class in question.

    Returns:
        float32 (size, size) in [0, 1]; all 0 if nothing speaks for the class.

    Raises:
        ImageError: it is missing, broken, no picture, or of another size.
    """
    pixels = load_image(image)
    sides = network.model.input_shape[1:3]
    if any(side not in (None, given) for side, given in zip(sides, pixels.shape, strict=False)):
        raise ImageError(
            f"Got a picture of {pixels.shape[0]} × {pixels.shape[1]} pixels; use fit(picture, {sides[0]})."
        )
    last = network.core.get_layer(network.map_layer).output
    model = keras.Model(network.model.input, [last, network.model.output])
    images = tf.constant(pixels, tf.float32)[None]
    with tf.GradientTape() as tape:
        tape.watch(images)  # so that everything after them is recorded, frozen layers too
        maps, probabilities = model(images, training=False)
        goal = tf.math.log(probabilities[0, label] + 1e-9)
    gradient = tape.gradient(goal, maps)
    weights = tf.reduce_mean(gradient, (1, 2), keepdims=True)
    heat = tf.nn.relu(tf.reduce_sum(weights * maps, -1, keepdims=True))
    heat = tf.image.resize(heat, pixels.shape[:2], "bicubic")[0, :, :, 0]
    heat = tf.maximum(heat, 0)
    return (heat / tf.maximum(tf.reduce_max(heat), 1e-9)).numpy()

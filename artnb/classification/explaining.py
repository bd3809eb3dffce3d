"""Where a classifier looks: HiResCAM over all maps that it reads.

Draelos and Carin, "Use HiResCAM instead of Grad-CAM for faithful explanations", arXiv:2011.08891, section 3.3.
"""

import keras
import numpy as np
import tensorflow as tf

from artnb.classification.networks import Network
from artnb.images import ImageError, ImageLike, load_image
from artnb.layers import ChannelStatistics


def hires_cam(network: Network, image: ImageLike, label: int) -> np.ndarray:
    """What speaks for a class, and where.

    Each value of the maps that the head reads is multiplied by how much the class's probability would grow with it,
    and the products are added up over the channels and the maps; what speaks against the class is cut off. Grad-CAM
    (Selvaraju et al., ICCV 2017) averages the growth over all positions before. For a standard deviation that average
    is 0, so Grad-CAM is blind to half of what our networks use. The logarithm of the probability is used, so that a
    sure network has a gradient, too.

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
    size = pixels.shape[:2]
    heat = sum(tf.image.resize(each, size, "bicubic")[0, :, :, 0] for each in evidence(network, pixels[None], label))
    heat = tf.nn.relu(heat)
    return (heat / tf.maximum(tf.reduce_max(heat), 1e-9)).numpy()


def evidence(network: Network, images: np.ndarray, label: int) -> list[tf.Tensor]:
    """What each position of the maps that the head reads contributes to a class's logarithmic probability.

    To first order, and per share of the picture: the mean over a map's positions is what the map contributes.

    Args:
        network: any.
        images: uint8 (n, size, size, 3).
        label: the class in question.

    Returns:
        A float32 (n, height, width, 1) for each map.
    """
    core = network.core
    readers = [layer for layer in core.layers if isinstance(layer, ChannelStatistics)]
    read = [layer.input for layer in readers] or [core.output]
    found = keras.Model(core.input, read)(tf.constant(images, tf.float32), training=False)
    maps = found if isinstance(found, list) else [found]  # Keras hands a single one over by itself
    with tf.GradientTape() as tape:
        tape.watch(maps)  # each by itself: what a coarse map shows is not counted again in a fine one
        features = (
            tf.concat([layer(each) for layer, each in zip(readers, maps, strict=True)], -1) if readers else maps[0]
        )
        goal = tf.math.log(network.head(features, training=False)[:, label] + 1e-9)
    products = [tf.reduce_sum(g * m, -1, keepdims=True) for g, m in zip(tape.gradient(goal, maps), maps, strict=True)]
    return [tf.cast(each, tf.float32) * float(each.shape[1] * each.shape[2]) for each in products]

"""Layers that make a fast painter's network a generator: what it sees of a picture, and what it changes in it."""

import keras
import tensorflow as tf
from keras import layers

from artnb.style.fast.networks import NOISE, painted, seen


@keras.saving.register_keras_serializable("artnb")
class Seen(layers.Layer):
    """Pictures with the noise that a fast painter sees beside them: (batch, height, width, 3) to (batch, …, 5).

    In training the noise is moved, in each picture otherwise, so that no place is learned by heart; how far follows
    from the picture's colours, so that a resumed training is the same.
    """

    def call(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Put noise beside each place."""
        noise, side = tf.constant(NOISE), len(NOISE)
        if training:
            sums = tf.reduce_sum(tf.round(tf.cast(images, tf.float32)), (0, 1, 2))
            noise = tf.roll(noise, tf.cast(tf.math.floormod(sums[:2], side), tf.int32), (0, 1))
        batch, height, width = tf.unstack(tf.shape(images)[:3])
        rows, columns = tf.range(height) % side, tf.range(width) % side
        noise = tf.gather(tf.gather(noise, rows), columns, axis=1)
        return seen(images, tf.repeat(noise[None], batch, 0))

    def compute_output_shape(self, images_shape: tuple) -> tuple:
        """Two channels more."""
        return (*images_shape[:3], 3 + NOISE.shape[-1])


@keras.saving.register_keras_serializable("artnb")
class PaintedOver(layers.Layer):
    """Pictures in [0, 255] and what is changed in their colours' logits -> the pictures with that change."""

    def call(self, images: tf.Tensor, change: tf.Tensor) -> tf.Tensor:
        """See `style.fast.networks.painted`."""
        return painted(images, change)

    def compute_output_shape(self, images_shape: tuple, change_shape: tuple) -> tuple:
        """That of the pictures."""
        return images_shape


@keras.saving.register_keras_serializable("artnb")
class OnlyStyle(layers.Layer):
    """Pictures (batch, …) -> the code of the only style, 1, for each: (batch, 1)."""

    def call(self, images: tf.Tensor) -> tf.Tensor:
        """As many as there are pictures."""
        return tf.ones((tf.shape(images)[0], 1))

    def compute_output_shape(self, images_shape: tuple) -> tuple:
        """One number for each."""
        return (images_shape[0], 1)

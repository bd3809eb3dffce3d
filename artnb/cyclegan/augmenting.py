"""What a discriminator sees of a picture, differentiably (Zhao et al., NeurIPS 2020).

Real and generated pictures are changed in the same way, and the generator's gradient passes through, so that it never
learns to generate the changes. Colours are left alone here: they are half of what a Monet is.
"""

import tensorflow as tf


def augmented(pictures: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Move each picture by up to an eighth of its sides, grey coming in, and cut a grey square of half of them out.

    Args:
        pictures: float (batch, height, width, 3), RGB in [0, 255].
        seed: two whole numbers; the same seed gives the same changes.

    Returns:
        The same shape.
    """
    batch, height, width = tf.unstack(tf.shape(pictures)[:3])
    draw = tf.random.stateless_uniform([4, batch, 1, 1], seed, -1.0, 1.0)
    rows = tf.cast(tf.range(height), tf.float32)[None, :, None]
    columns = tf.cast(tf.range(width), tf.float32)[None, None, :]
    tall, wide = tf.cast(height, tf.float32), tf.cast(width, tf.float32)
    down, right = tf.round(draw[0] * tall / 8), tf.round(draw[1] * wide / 8)
    from_row = rows - down + 0 * columns
    from_column = columns - right + 0 * rows
    inside = (from_row >= 0) & (from_row < tall) & (from_column >= 0) & (from_column < wide)
    top, left = (draw[2] + 1) / 2 * tall, (draw[3] + 1) / 2 * wide  # the middle of the square that is cut out
    cut = (tf.abs(rows - top) < tall / 4) & (tf.abs(columns - left) < wide / 4)
    places = tf.stack([tf.clip_by_value(from_row, 0, tall - 1), tf.clip_by_value(from_column, 0, wide - 1)], -1)
    moved = tf.gather_nd(pictures, tf.cast(places, tf.int32), batch_dims=1)
    visible = tf.cast(inside & ~cut, pictures.dtype)[..., None]
    return moved * visible + 127.5 * (1 - visible)

"""Keras layers that more than one model of the course uses."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras import ops

# The mean colour of ImageNet in the order blue, green, red, as the authors of VGG subtracted it.
IMAGENET_MEAN_BGR = (103.939, 116.779, 123.68)


@keras.saving.register_keras_serializable("artnb")
class CaffePreprocessing(keras.layers.Layer):
    """What VGG19 and ResNet50 were trained on: blue-green-red instead of RGB, less ImageNet's mean colour, no scaling.

    The same as `keras.applications.vgg19.preprocess_input`, as a layer, so that it is saved with the model.

    Input: (batch, height, width, 3), RGB in [0, 255]. Output: the same shape, about -124 to 151.
    """

    def call(self, images: keras.KerasTensor) -> keras.KerasTensor:
        """Turn the channels around and subtract the mean."""
        images = ops.convert_to_tensor(images, dtype=self.compute_dtype)
        return ops.flip(images, axis=-1) - ops.convert_to_tensor(IMAGENET_MEAN_BGR, dtype=self.compute_dtype)


@keras.saving.register_keras_serializable("artnb")
class ChannelStatistics(keras.layers.Layer):
    """Mean and standard deviation of each channel over all positions: what is in a map, wherever it is.

    How a thing is painted shows in these numbers at every depth of a network: the mean squares are the diagonal of
    the Gram matrix, which Gatys, Ecker and Bethge (CVPR 2016) call a picture's style.

    Input: (batch, height, width, channels). Output: (batch, 2 * channels), first the means, then the standard
    deviations.
    """

    def call(self, features: keras.KerasTensor) -> keras.KerasTensor:
        """Means, then standard deviations, (batch, 2 * channels), in float32 or better."""
        # A square of more than 256 is beyond half precision.
        features = ops.cast(features, keras.backend.result_type(features.dtype, "float32"))
        mean = ops.mean(features, axis=(1, 2), keepdims=True)
        variance = ops.mean(ops.square(features - mean), axis=(1, 2))
        # A constant channel has a standard deviation of 0, where the square root has no slope.
        return ops.concatenate([mean[:, 0, 0], ops.sqrt(variance + 1e-5)], axis=-1)


@keras.saving.register_keras_serializable("artnb")
class Smoothing(keras.layers.Layer):
    """A softmax over all of a picture's features of one layer, scaled so that their mean is 1.

    Residual connections make features with a few high peaks, and a Gram matrix of peaks says little about texture;
    smoothed ones have a higher entropy (Wang, Li and Vasconcelos, "Rethinking and Improving the Robustness of Image
    Style Transfer", CVPR 2021, section 4).

    Input and output: (batch, height, width, channels).

    Args:
        temperature: what the features are divided by before; the higher, the smoother.
    """

    def __init__(self, temperature: float = 1.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.temperature = temperature

    def call(self, features: keras.KerasTensor) -> keras.KerasTensor:
        """The softmax of the features, scaled to a mean of 1."""
        heated = ops.exp((features - ops.max(features, axis=(1, 2, 3), keepdims=True)) / self.temperature)
        return heated / ops.mean(heated, axis=(1, 2, 3), keepdims=True)

    def get_config(self) -> dict[str, Any]:
        """What the layer is rebuilt from."""
        return super().get_config() | {"temperature": self.temperature}


@keras.saving.register_keras_serializable("artnb")
class ReflectionPadding(keras.layers.Layer):
    """A frame of mirrored pixels: zeros would be an edge that is not in the picture.

    Input: (batch, height, width, channels), with sides above `width`. Output: both sides longer by 2 * `width`.

    Args:
        width: of the frame, in pixels.
    """

    def __init__(self, width: int = 1, **kwargs: Any):
        super().__init__(**kwargs)
        self.width = width

    def call(self, images: keras.KerasTensor) -> keras.KerasTensor:
        """Mirror at all four sides."""
        return ops.pad(images, ((0, 0), (self.width,) * 2, (self.width,) * 2, (0, 0)), mode="reflect")

    def get_config(self) -> dict:
        """What the layer is rebuilt from."""
        return super().get_config() | {"width": self.width}


@keras.saving.register_keras_serializable("artnb")
class InstanceNormalization(keras.layers.GroupNormalization):
    """Keras' group norm with groups of one channel, computed as the batch norm of a batch of one, which it is.

    TensorFlow has that as a single operation, its gradient as another, and the ReLU behind it comes for nothing; Keras'
    own are two dozen, which take a third of a generator's time in half precision.

    Input and output: (batch, height, width, channels).
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Picture by picture; Keras' way while the number of pictures is unknown."""
        if self.groups != inputs.shape[-1] or inputs.shape[0] is None:
            return super().call(inputs)
        pictures = tf.split(inputs, inputs.shape[0]) if inputs.shape[0] > 1 else [inputs]
        outputs = [self._normalised(picture) for picture in pictures]
        return tf.concat(outputs, 0) if len(outputs) > 1 else outputs[0]

    def _normalised(self, picture: tf.Tensor) -> tf.Tensor:
        scale, offset = (tf.cast(variable, "float32") for variable in (self.gamma, self.beta))
        return _normalised(picture, scale, offset, self.epsilon)


@keras.saving.register_keras_serializable("artnb")
class ConditionalInstanceNormalization(keras.layers.Layer):
    """Instance norm whose scales and shifts follow from the code of a style: one network, many styles.

    Dumoulin, Shlens and Kudlur, "A Learned Representation for Artistic Style", ICLR 2017: what is between two styles
    is two numbers a channel. With codes that are 1 for one style and 0 for all others, the layer is their table of
    styles, and codes in between are blends; with codes that a network predicts from a picture, it takes any style
    (Ghiasi et al., "Exploring the structure of a real-time, arbitrary neural artistic stylization network", BMVC 2017).

    Inputs: (batch, height, width, channels), and the codes, (batch, length). Output: as the first.

    Args:
        deviation: standard deviation of the random weights that lead from a code to scales and shifts; with 0 all
            styles begin as the same one, with scales of 1 and shifts of 0.
        epsilon: is added to variances. A plain area has next to none, and a small epsilon makes a pattern of its noise.
    """

    def __init__(self, deviation: float = 0.0, epsilon: float = 1e-3, **kwargs: Any):
        super().__init__(**kwargs)
        self.deviation, self.epsilon = deviation, epsilon

    def build(self, inputs_shape: tuple, code_shape: tuple) -> None:
        """The table, (length, channels) of scales less 1, and of shifts."""
        shape = (code_shape[-1], inputs_shape[-1])
        begin = keras.initializers.RandomNormal(stddev=self.deviation) if self.deviation else "zeros"
        self.scales = self.add_weight(shape=shape, initializer=begin, autocast=False, name="scales")
        self.shifts = self.add_weight(shape=shape, initializer=begin, autocast=False, name="shifts")

    def scale_and_shift(self, code: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Of each style's each channel: two float32 (batch, channels)."""
        code = tf.cast(code, "float32")
        return 1.0 + ops.matmul(code, self.scales), ops.matmul(code, self.shifts)

    def call(self, inputs: tf.Tensor, code: tf.Tensor) -> tf.Tensor:
        """Picture by picture, as `InstanceNormalization`."""
        scales, shifts = self.scale_and_shift(code)
        if inputs.shape[0] is not None:
            each = zip(tf.split(inputs, inputs.shape[0]), tf.unstack(scales), tf.unstack(shifts), strict=True)
            return tf.concat([_normalised(picture, scale, shift, self.epsilon) for picture, scale, shift in each], 0)
        exact = tf.cast(inputs, "float32")
        mean, variance = tf.nn.moments(exact, (1, 2), keepdims=True)
        factor = scales[:, None, None] * tf.math.rsqrt(variance + self.epsilon)
        return tf.cast((exact - mean) * factor + shifts[:, None, None], inputs.dtype)

    def compute_output_shape(self, inputs_shape: tuple, code_shape: tuple) -> tuple:
        """That of the pictures."""
        return inputs_shape

    def get_config(self) -> dict[str, Any]:
        """What the layer is rebuilt from."""
        return super().get_config() | {"deviation": self.deviation, "epsilon": self.epsilon}


def _normalised(picture: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor, epsilon: float) -> tf.Tensor:
    """Normalise a batch of one; what goes back through a channel of one colour is damped.

    Its derivative there is 1 / √ε, which twenty layers multiply to infinity on a picture of one colour. So what a
    channel passes back counts by the share of its variance in variance + ε: nearly 1, and 0 where there is nothing.
    """
    nothing = tf.zeros([0])  # the moving averages of a batch norm, which are not asked for

    @tf.custom_gradient
    def normalise(picture: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor) -> tuple[tf.Tensor, Callable]:
        done = tf.raw_ops.FusedBatchNormV3(
            x=picture, scale=scale, offset=offset, mean=nothing, variance=nothing, epsilon=epsilon
        )

        def gradient(back: tf.Tensor) -> list[tf.Tensor]:
            variance = done.batch_variance
            return tf.raw_ops.FusedBatchNormGradV3(
                y_backprop=back,
                x=picture,
                scale=scale * variance / (variance + epsilon),  # what goes back to the picture is proportional to it
                reserve_space_1=done.reserve_space_1,
                reserve_space_2=done.reserve_space_2,
                reserve_space_3=done.reserve_space_3,
                epsilon=epsilon,
            )[:3]

        return done.y, gradient

    return normalise(picture, scale, offset)

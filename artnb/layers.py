"""Keras layers that more than one model of the course uses."""

from typing import Any

import keras
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

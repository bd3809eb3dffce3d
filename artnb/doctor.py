"""A report on this machine: versions, source of the paintings, weights, and advice on what is missing."""

import os
import platform
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import artnb
from artnb.errors import ArtnbError
from artnb.paintings import studio
from artnb.paintings.sources import load_collection, load_photos_and_monets, locate_collection, read_collection
from artnb.settings import settings
from artnb.weights import TITLES, WEIGHTS, fetch_command, find_weights

_SOURCES = {
    "studio": "by the built-in painters",
    "folder": "your own folder (ARTNB_DATA)",
    "kaggle": "Best Artworks of All Time (downloaded by kagglehub)",
}
_MISSING = {"studio": "they are missing", "folder": "it does not exist", "kaggle": "not downloaded yet"}


def examine() -> dict[str, Any]:
    """What `artnb doctor --json` prints; loads TensorFlow to list the GPUs that it can use."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    from artnb.common.precision import check_keras

    gpus = [gpu.name for gpu in tf.config.list_physical_devices("GPU")]
    weights = {name: str(file) if (file := find_weights(name)) else None for name in WEIGHTS}
    data, complete = locate_collection()
    return {
        "artnb": artnb.__version__,
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in ("tensorflow", "keras", "keras-tuner", "numpy", "pandas")},
        "source": settings.source,
        "data": str(data),
        "data_there": complete,
        "home": str(settings.home),
        "weights": weights,
        "profile": settings.profile,
        "seed": settings.seed,
        "gpus": gpus,
        "advice": [*_complaint(check_keras), *_missing_paintings(data, complete), *_advice(weights, gpus)],
    }


def machine_report(machine: dict[str, Any]) -> str:
    """What `examine` returned as text, in about ten lines."""
    packages = ", ".join(f"{name} {number}" for name, number in machine["packages"].items())
    missing = "" if machine["data_there"] else f" ({_MISSING[machine['source']]})"
    lines = [
        f"artnb      {machine['artnb']} on Python {machine['python']}",
        f"packages   {packages}",
        f"paintings  {machine['source']}: {_SOURCES[machine['source']]}, in {machine['data']}{missing}",
        f"results    in {machine['home']}",
        *(f"weights    {name}: {file or 'not found'}" for name, file in machine["weights"].items()),
        f"profile    {machine['profile']}, seed {machine['seed']}",
        f"GPU        {', '.join(machine['gpus']) or 'none: everything here also runs without one'}",
        *(f"advice     {sentence}" for sentence in machine["advice"] or ["nothing is missing"]),
    ]
    return "\n".join(lines)


def setup_line() -> str:
    """One line for the top of a notebook: versions, source, weights, profile and seed, but no paths."""
    here = [name for name in TITLES if find_weights(name)]
    missing = [name for name in TITLES if name not in here]
    others = f" (others: {fetch_command(*missing)})" if missing else ""
    tensorflow = f" · TensorFlow {_version('tensorflow')}" if "tensorflow" in sys.modules else ""
    return (
        f"artnb {artnb.__version__} · Python {platform.python_version()}{tensorflow} · "
        f"paintings: {settings.source} · ImageNet weights: {', '.join(here) or 'none'}{others} · "
        f"profile: {settings.profile} · seed {settings.seed}"
    )


def _missing_paintings(data: Path, complete: bool) -> list[str]:
    """What is wrong with the paintings, looked at where they are: nothing is downloaded for it."""
    if settings.source == "folder":
        return _complaint(load_collection)
    if settings.source == "kaggle" and complete:
        return _complaint(lambda: read_collection(data, "kaggle"))
    return []


def _advice(weights: dict[str, str | None], gpus: list[str]) -> list[str]:
    advice = []
    if not studio.is_whole():
        advice.append(
            "the built-in paintings are not as they shipped (files are missing or changed): install artnb anew"
        )
    if settings.source == "studio":
        advice.append("for real paintings: ARTNB_SOURCE=kaggle (1.2 GB), or ARTNB_DATA=/folder/of/your/copy")
    if settings.monet_data is not None:
        advice += _complaint(load_photos_and_monets)
    if isinstance(settings.weights, Path) and not settings.weights.is_dir():
        advice.append(f"ARTNB_WEIGHTS is {settings.weights}, which is not a folder; name one that exists, or unset it")
    if missing := [name for name in TITLES if weights[name] is None]:
        unset = "unset ARTNB_WEIGHTS, which is 'packaged', then " if settings.weights == "packaged" else ""
        advice.append(
            f"{unset}{fetch_command(*missing)} (`artnb weights list` says how large they are); until then these "
            "networks are untrained, and efficientnet-lite0 is used in their place"
        )
    if artnb.ASKED_BACKEND != "tensorflow":
        advice.append(
            f"KERAS_BACKEND is {artnb.ASKED_BACKEND!r} for other programs; artnb uses TensorFlow all the same"
        )
    if not gpus and settings.profile == "full":
        advice.append("the full profile takes hours without a GPU; ARTNB_PROFILE=quick takes minutes")
    return advice


def _complaint(load: Callable[[], object]) -> list[str]:
    """The error message of a check, in a list; empty if it succeeds."""
    try:
        load()
    except ArtnbError as error:
        return [str(error).removesuffix(".")]
    return []


def _version(package: str) -> str:
    for name in (package, f"{package}-cpu"):  # TensorFlow's CPU build is a package with a different name
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return "missing"

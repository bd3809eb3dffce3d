"""How many bits a network is trained in: half as many, where the machine multiplies faster in them.

The weights, their optimiser and what a training returns are in 32 bits whatever it was trained in, so
nothing after the training depends on it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras
import tensorflow as tf

from artnb.errors import ArtnbError
from artnb.settings import settings

FULL = "float32"
CPU_FLAGS = Path("/proc/cpuinfo")  # only Linux says there what a processor can do


class KerasError(ArtnbError, RuntimeError):
    """Keras is set up for other networks than artnb's."""


def check_keras() -> None:
    """Nothing for Keras as artnb's networks need it: on TensorFlow, with channels last, in 32 bits.

    Raises:
        KerasError: it is set to something else, in its own keras.json, by `keras.config` or before artnb was imported.
    """
    if keras.config.backend() != "tensorflow":
        raise KerasError(
            f"Keras runs on {keras.config.backend()} in this program, and artnb's networks run on TensorFlow; "
            "start it with KERAS_BACKEND=tensorflow, or import artnb before keras."
        )
    for name, wanted in (("image_data_format", "channels_last"), ("floatx", FULL)):
        if (value := getattr(keras.config, name)()) != wanted:
            raise KerasError(
                f"Keras' {name} is {value!r} (its keras.json, or keras.config.set_{name}), and artnb's networks need "
                f"{wanted!r}; change it there, or start with another KERAS_HOME."
            )


def training_policy(depthwise: bool = False) -> str:
    """The Keras policy that a network is trained under.

    "mixed_float16" on a GPU; "mixed_bfloat16" on a processor that has matrix units for it (Intel's AMX), where our CNN
    trains more than twice as fast; otherwise, or if `ARTNB_PRECISION` says so, "float32".

    Args:
        depthwise: whether most of the network's convolutions see one channel each. Processors have no fast half
            precision for those: EfficientNet-Lite0 would take twice as long.
    """
    if settings.precision == FULL:
        return FULL
    if tf.config.list_logical_devices("GPU"):
        return "mixed_float16"
    return "mixed_bfloat16" if _has_matrix_units() and not depthwise else FULL


@contextmanager
def under(policy: str) -> Iterator[None]:
    """Build networks under a policy; afterwards the one before holds again."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _has_matrix_units() -> bool:
    try:
        return " amx_bf16" in CPU_FLAGS.read_text(encoding="utf-8")
    except OSError:
        return False

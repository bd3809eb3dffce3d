"""Half precision where it is faster, nothing of it in what a training returns; and Keras set up for other programs."""

import os
import subprocess
import sys

import keras
import pytest

from artnb import doctor, load_model
from artnb.backbones import load_backbone
from artnb.classification.networks import build_network
from artnb.common import precision
from artnb.common.precision import KerasError, training_policy, under
from artnb.cyclegan.networks import CycleGAN
from tests.conftest import CHECKOUT, draw
from tests.cyclegan.conftest import TINY


@pytest.mark.parametrize(
    ("units", "depthwise", "chosen", "policy"),
    [
        (True, False, "auto", "mixed_bfloat16"),
        (True, True, "auto", "float32"),
        (False, False, "auto", "float32"),
        (True, False, "float32", "float32"),
    ],
)
def test_half_precision_where_the_processor_has_units_for_it(
    use, monkeypatch, tmp_path, units, depthwise, chosen, policy
):
    monkeypatch.setattr(precision.tf.config, "list_logical_devices", lambda kind: [])
    monkeypatch.setattr(precision, "CPU_FLAGS", tmp_path / "cpuinfo")
    (tmp_path / "cpuinfo").write_text("flags : fpu avx512f" + (" amx_bf16 amx_tile" if units else "") + "\n")
    use(precision=chosen)
    assert training_policy(depthwise) == policy


def test_a_gpu_has_its_own_half_precision_and_a_system_without_flags_none(monkeypatch, tmp_path):
    monkeypatch.setattr(precision, "CPU_FLAGS", tmp_path / "missing")
    monkeypatch.setattr(precision.tf.config, "list_logical_devices", lambda kind: [])
    assert training_policy() == "float32"
    monkeypatch.setattr(precision.tf.config, "list_logical_devices", lambda kind: [kind])
    assert training_policy(depthwise=True) == "mixed_float16"


def test_the_policy_before_holds_again_even_after_an_error():
    with pytest.raises(KeyError), under("mixed_bfloat16"):
        assert keras.layers.Dense(1).compute_dtype == "bfloat16"
        raise KeyError
    assert keras.layers.Dense(1).compute_dtype == "float32"


@pytest.mark.parametrize(
    ("name", "value", "before"),
    [("image_data_format", "channels_first", "channels_last"), ("floatx", "float16", "float32")],
)
def test_keras_set_up_for_other_networks_is_said_before_anything_is_built(name, value, before):
    set_to = getattr(keras.config, f"set_{name}")
    set_to(value)
    try:
        for build in (
            lambda: build_network("cnn", 3, 32),
            lambda: load_backbone("efficientnet-lite0", 64),
            lambda: CycleGAN.build(TINY),
            lambda: load_model("starter-cnn"),  # which is not damaged
            lambda: load_model("starter-monet"),
        ):
            with pytest.raises(KerasError, match=f"Keras' {name} is '{value}' .* need '{before}'; change it there"):
                build()
        assert any(f"Keras' {name} is '{value}'" in advice for advice in doctor.examine()["advice"])
    finally:
        set_to(before)


def test_another_backend_that_keras_already_runs_on_is_said(monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(KerasError, match=r"runs on jax in this program, .* KERAS_BACKEND=tensorflow, or import artnb"):
        load_model("starter-cnn")


def run(command, folder, content, **environment):
    (folder / "keras.json").write_text(content)
    environment = {"PYTHONPATH": str(CHECKOUT), "KERAS_HOME": str(folder), "ARTNB_HOME": str(folder)} | environment
    start = [sys.executable, "-m", "artnb", *command]
    return subprocess.run(start, capture_output=True, text=True, env=os.environ | environment, cwd=folder)


@pytest.mark.slow
def test_keras_settings_of_other_programs_stop_nothing(tmp_path):
    picture = str(draw(tmp_path / "x.png", 1))
    done = run(["predict", "starter-cnn", picture], tmp_path, '{"backend": "jax"}', KERAS_BACKEND="torch")
    assert (done.returncode, done.stderr) == (0, "") and "%" in done.stdout
    done = run(["doctor"], tmp_path, "{}", KERAS_BACKEND="torch")
    assert done.returncode == 0 and "KERAS_BACKEND is 'torch' for other programs; artnb uses TensorFlow" in done.stdout


def test_settings_that_keras_itself_cannot_read_are_one_sentence(tmp_path):
    done = run(["predict", "starter-cnn", str(draw(tmp_path / "x.png", 1))], tmp_path, '{"floatx": "float8"}')
    assert done.returncode == 1 and not done.stdout
    assert done.stderr.startswith("artnb: Keras can't be imported (AssertionError): ")
    assert done.stderr.endswith("keras.json holds a setting that it can't use; mend that file, or remove it.\n")

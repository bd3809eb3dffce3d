"""Half precision where it is faster, and nothing of it in what a training returns."""

import keras
import pytest

from artnb.common import precision
from artnb.common.precision import training_policy, under


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

"""Tests and notebooks are about the built-in paintings, whatever this shell says, and never use a network."""

import os

for variable in [name for name in os.environ if name.startswith("ARTNB_") and name != "ARTNB_HOME"]:
    del os.environ[variable]
os.environ["ARTNB_WEIGHTS"] = "packaged"
os.environ["TQDM_DISABLE"] = "1"
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

"""artnb: a course about paintings. Who painted this, and can we paint like them?

The names of `__init__.pyi` can be imported from here; each is loaded when it is first used, so importing the package
takes neither TensorFlow nor pandas.
"""

import os
import sys

import lazy_loader

# oneDNN's convolutions are nearly twice as fast; TensorFlow turns them on by itself on newer processors only. It looks
# when it is first imported, so this is the place; a value that is set already stays.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

# The networks run on TensorFlow, whatever the shell or keras.json says for other programs. Keras looks when it is first
# imported, too; where that has happened already, `common.precision.check_keras` looks at what it found.
ASKED_BACKEND = os.environ.get("KERAS_BACKEND") or "tensorflow"
if "keras" not in sys.modules:
    os.environ["KERAS_BACKEND"] = "tensorflow"

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

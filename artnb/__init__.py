"""artnb: a course about paintings. Who painted this, and can we paint like them?

Importing the package is cheap: TensorFlow is loaded only by the modules that compute with it.
"""

import os

# oneDNN's convolutions are nearly twice as fast; TensorFlow turns them on by itself on newer processors only. It looks
# when it is first imported, so this is the place; whoever has said something about it is obeyed.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

__version__ = "0.1.0"

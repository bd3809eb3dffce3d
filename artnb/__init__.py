"""artnb: a course about paintings. Who painted this, and can we paint like them?

Importing the package is cheap: TensorFlow is loaded only by the modules that compute with it.
"""

__version__ = "0.1.0"

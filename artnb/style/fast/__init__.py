"""Painting in a blink: feed-forward networks that learned to paint, once, what the optimiser finds for each picture."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

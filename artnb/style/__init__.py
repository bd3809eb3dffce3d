"""Can we paint like them? Neural style transfer by optimisation: recipes, transfer, metrics and search."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

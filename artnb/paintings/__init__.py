"""The collection of paintings: its catalogue, sources, audit, splits and input pipelines."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

"""The interactive pages; each is a function that returns an ipywidget."""

from artnb.common import extras

with extras.needed("pages", "The pages need"):
    from artnb.widgets.monet import monet
    from artnb.widgets.paint import paint_like
    from artnb.widgets.rating import rate
    from artnb.widgets.who import who_painted_this

__all__ = ["monet", "paint_like", "rate", "who_painted_this"]

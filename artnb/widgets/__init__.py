"""Pages and widgets to play with; each is one function that returns an ipywidget."""

from artnb.widgets.rating import rate

__all__ = ["rate"]

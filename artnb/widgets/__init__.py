"""Pages and widgets to play with; each is one function that returns an ipywidget."""

from artnb.widgets.rating import rate
from artnb.widgets.who import who_painted_this

__all__ = ["rate", "who_painted_this"]

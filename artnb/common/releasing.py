"""Giving back what a training took: its weights, their optimiser's moments and its graphs."""

from collections.abc import Iterator
from contextlib import contextmanager

from tensorflow.python.framework import ops


@contextmanager
def released_graphs() -> Iterator[None]:
    """Trace functions that train inside; afterwards nothing but their own user holds what they have captured.

    TensorFlow keeps the gradient of each custom gradient that is traced in a table of the process, for ever, and with
    it the graph and every variable of the graph; Keras' optimisers trace one (`ReplicaContext.all_reduce`). Only a
    gradient of the finished graph as a whole looks into the table: a tape inside the traced function does not.
    """
    table = ops.gradient_registry._registry  # TensorFlow has no public way to it
    before = set(table)
    try:
        yield
    finally:
        for name in set(table) - before:
            if name.startswith("CustomGradient-"):
                table.pop(name, None)

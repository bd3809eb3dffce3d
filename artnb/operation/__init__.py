"""Models after they are trained: what people think of them."""

"""Measures of pictures that more than one chapter takes."""

import numpy as np

from artnb.errors import EvaluationError
from artnb.images import load_image


def structure(image: np.ndarray, content: np.ndarray) -> float:
    """How much of the content's forms is left in a picture: SSIM of the lightness, as scikit-image has it.

    Z. Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", IEEE Transactions on
    Image Processing, 2004.

    Args:
        image: uint8 (height, width, 3), or grey (height, width); sides of 7 pixels or more.
        content: the same shape.

    Returns:
        From -1 to 1; 1 for two equal pictures.

    Raises:
        ImageError: one is no picture, such as floats.
        EvaluationError: they have different sizes, or are smaller.
    """
    from skimage.color import rgb2gray
    from skimage.metrics import structural_similarity

    image, content = load_image(image), load_image(content)
    if image.shape != content.shape or min(image.shape[:2]) < 7:
        sizes = " and ".join(f"{each.shape[0]} × {each.shape[1]}" for each in (image, content))
        raise EvaluationError(f"Got pictures of {sizes} pixels; give two of one size, with sides of 7 pixels or more.")
    return float(structural_similarity(rgb2gray(image), rgb2gray(content), data_range=1.0))

"""Measures of pictures that more than one chapter takes."""

import numpy as np


def structure(image: np.ndarray, content: np.ndarray) -> float:
    """SSIM of the lightness of two uint8 pictures of one size, -1 to 1 (Wang et al., 2004), as scikit-image has it."""
    from skimage.color import rgb2gray
    from skimage.metrics import structural_similarity

    return float(structural_similarity(rgb2gray(image), rgb2gray(content), data_range=1.0))

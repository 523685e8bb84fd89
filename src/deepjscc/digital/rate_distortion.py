"""The rate-distortion function of a Gaussian source with a picture's own statistics: a reference, not a bound.

A picture's blocks are taken for independent draws of a Gaussian vector with the covariance that they have. Reverse
water-filling over its eigenvalues gives the least error at a rate (Cover & Thomas 2006, theorem 10.3.3). A code that
uses more than second moments (edges, what repeats) does better on real pictures.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from deepjscc.images import to_float
from deepjscc.types import Image8

BLOCK = 8


def gaussian_spectrum(image: Image8) -> Float[Tensor, " values"]:
    """Eigenvalues of the covariance of a picture's 8x8 blocks, all three colours together, values in [0, 1]."""
    height, width = (side // BLOCK * BLOCK for side in image.shape[1:])
    blocks = F.pixel_unshuffle(to_float(image)[..., :height, :width], BLOCK)[0].flatten(1).double()
    return torch.linalg.eigvalsh(torch.cov(blocks)).clamp_min(0)


def gaussian_mse(spectrum: Float[Tensor, " values"], bits: float) -> float:
    """Least mean squared error a value of a Gaussian vector at ``bits`` a vector.

    >>> gaussian_mse(torch.tensor([4.0, 4.0]).double(), 2.0)  # half the bits each: a quarter of the variance
    1.0
    """
    variances = spectrum.sort(descending=True).values
    counts = torch.arange(1, len(variances) + 1, dtype=torch.float64)
    # With the strongest j active, the water level is where their bits come to what there is.
    levels = 2 ** ((variances.clamp_min(1e-300).log2().cumsum(0) - 2 * bits) / counts)
    active = max(1, int((levels <= variances).sum()))
    return variances.clamp_max(levels[active - 1]).mean().item()

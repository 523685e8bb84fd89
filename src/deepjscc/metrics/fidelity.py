"""Fidelity: MSE and PSNR on 8-bit pictures, per image and pooled."""

import torch
from jaxtyping import Float
from torch import Tensor

from deepjscc.images import to_8bit
from deepjscc.metrics.checks import check_pair
from deepjscc.types import Images


def mse(images: Images, decoded: Images) -> Float[Tensor, " batch"]:
    """Mean squared error per image, of the 8-bit pictures scaled to [0, 1]; summed in whole numbers.

    Raises:
        UsageError: see :func:`deepjscc.metrics.checks.check_pair`.
    """
    check_pair(images, decoded)
    difference = to_8bit(images).int() - to_8bit(decoded).int()
    return difference.square().sum((1, 2, 3)).double() / (255**2 * difference[0].numel())


def psnr(images: Images, decoded: Images, *, pooled: bool = False) -> Float[Tensor, " batch_or_one"]:
    """Peak signal-to-noise ratio in dB: ``-10 log10(MSE)`` of 8-bit pictures; infinite where they are equal.

    >>> black, grey = torch.zeros(1, 3, 8, 8), torch.full((1, 3, 8, 8), 51 / 255)
    >>> round(psnr(black, grey).item(), 2)
    13.98

    Args:
        images: what was sent.
        decoded: what came out, not yet rounded.
        pooled: average the MSE over the batch first and return one value, as papers on CIFAR-10 do. The mean of the
            per-image values is about half a dB higher there: every published number says which it is.
    """
    error = mse(images, decoded)
    return -10 * torch.log10(error.mean(0, keepdim=True) if pooled else error)

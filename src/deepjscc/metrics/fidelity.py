"""Fidelity: MSE and PSNR on 8-bit pictures, per image and pooled."""

import torch
from jaxtyping import Float
from torch import Tensor

from deepjscc.images import to_8bit
from deepjscc.metrics.checks import check_pair
from deepjscc.types import Images

PSNR_CEILING_DB = 60.0  # of an exact picture, and of all that is better: rounding to 8 bits alone leaves 58.9 dB


def mse(images: Images, decoded: Images) -> Float[Tensor, " batch"]:
    """Mean squared error per image, of the 8-bit pictures scaled to [0, 1]; summed in whole numbers.

    Raises:
        UsageError: see :func:`deepjscc.metrics.checks.check_pair`.
    """
    check_pair(images, decoded)
    difference = to_8bit(images).int() - to_8bit(decoded).int()
    return difference.square().sum((1, 2, 3)).double() / (255**2 * difference[0].numel())


def psnr(images: Images, decoded: Images, *, pooled: bool = False) -> Float[Tensor, " batch_or_one"]:
    """Peak signal-to-noise ratio in dB: ``-10 log10(MSE)`` of 8-bit pictures, at most :data:`PSNR_CEILING_DB`.

    Equal pictures have no error, and one infinite value would hide all others in a mean.

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
    return psnr_of_mse(error.mean(0, keepdim=True) if pooled else error)


def psnr_of_mse(error: Float[Tensor, " batch"]) -> Float[Tensor, " batch"]:
    """PSNR in dB of a mean squared error of values in [0, 1], at most :data:`PSNR_CEILING_DB`."""
    return (-10 * torch.log10(error)).clamp_max(PSNR_CEILING_DB)

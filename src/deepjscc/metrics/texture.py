"""Texture: how much of the finest detail is there, whether or not it is the right one."""

import torch
from jaxtyping import Float
from torch import Tensor

from deepjscc.images import to_8bit
from deepjscc.metrics.checks import check_pair
from deepjscc.types import Images

FINE = 1 / 4  # cycles a pixel in either direction, half the highest there are


def detail_energy_ratio(images: Images, decoded: Images) -> Float[Tensor, " batch"]:
    """Energy of the decoded picture beyond :data:`FINE`, over that of the original; on 8 bits.

    1 is as much detail as there was; means of what may have been there (least squares) have less, noise has more.

    >>> picture = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    >>> detail_energy_ratio(picture, picture).item()
    1.0

    Raises:
        UsageError: see :func:`deepjscc.metrics.checks.check_pair`.
    """
    check_pair(images, decoded)
    return _fine_energy(decoded) / _fine_energy(images).clamp_min(1e-12)


def _fine_energy(images: Images) -> Float[Tensor, " batch"]:
    height, width = images.shape[-2:]
    down, right = (torch.fft.fftfreq(side, device=images.device).abs() for side in (height, width))
    fine = down[:, None].maximum(right) > FINE
    spectrum = torch.fft.fft2(to_8bit(images).float() / 255).abs().square()
    return (spectrum * fine).sum((1, 2, 3))

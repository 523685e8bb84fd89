"""Structure: SSIM and MS-SSIM on 8-bit pictures (Wang et al. 2003, 2004), Gaussian window of sigma 1.5.

The library pytorch-msssim computes them wherever it runs. On a CPU :mod:`deepjscc.metrics.windowed` computes the same
values several times faster; a test holds the two equal.
"""

import pytorch_msssim
from jaxtyping import Float
from torch import Tensor

from deepjscc.errors import UsageError
from deepjscc.images import to_8bit
from deepjscc.metrics.checks import check_pair
from deepjscc.metrics.windowed import Planes, halve, similarity, to_planes
from deepjscc.types import Images

SSIM_MIN_SIDE = 11
MS_SSIM_MIN_SIDE = 161  # (11 - 1) · 2^4 + 1: five scales under a window of 11
MS_SSIM_MIN_SIDE_WINDOW_7 = 97  # the same under a window of 7
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # Wang et al. 2003, sec. 3.2

PerImage = Float[Tensor, " batch"]


def ssim(images: Images, decoded: Images) -> PerImage:
    """SSIM per image, mean over colours: Gaussian window 11.

    >>> import torch
    >>> picture = torch.linspace(0, 1, 32).expand(1, 3, 32, 32)
    >>> round(ssim(picture, picture).item(), 4)
    1.0

    Raises:
        UsageError: a side under 11 pixels, or see :func:`deepjscc.metrics.checks.check_pair`.
    """
    _check(images, decoded, SSIM_MIN_SIDE, "SSIM")
    ours, theirs = (to_8bit(each).float() for each in (images, decoded))
    if images.device.type != "cpu":
        return pytorch_msssim.ssim(ours, theirs, data_range=255, size_average=False)
    return _per_image(similarity(to_planes(ours), to_planes(theirs), 11)[0])


def ms_ssim(images: Images, decoded: Images, *, window: int = 11) -> PerImage:
    """MS-SSIM per image, mean over colours, five scales, standard weights.

    Args:
        images: what was sent.
        decoded: what came out.
        window: 11 is the standard, from 161 pixels a side; 7 is a variant from 97 pixels: label it.

    Raises:
        UsageError: a side too small for five scales, or see :func:`deepjscc.metrics.checks.check_pair`.
    """
    return ssim_and_ms_ssim(images, decoded, window=window)[1]


def ssim_and_ms_ssim(images: Images, decoded: Images, *, window: int = 11) -> tuple[PerImage, PerImage]:
    """Compute both metrics at the cost of MS-SSIM, whose finest scale is SSIM; see :func:`ssim` and :func:`ms_ssim`."""
    _check(images, decoded, (window - 1) * 16 + 1, f"MS-SSIM with window {window}")
    ours, theirs = (to_8bit(each).float() for each in (images, decoded))
    if images.device.type != "cpu":
        finest = pytorch_msssim.ssim(ours, theirs, data_range=255, size_average=False, win_size=window)
        return finest, exact_ms_ssim(ours, theirs, 255, window)
    return _by_products(to_planes(ours), to_planes(theirs), window)


def exact_ms_ssim(images: Images, decoded: Images, peak: float, window: int) -> PerImage:
    """MS-SSIM per image of values up to ``peak``, not rounded and with gradients, by pytorch-msssim."""
    return pytorch_msssim.ms_ssim(images, decoded, data_range=peak, size_average=False, win_size=window)


def _by_products(ours: Planes, theirs: Planes, window: int) -> tuple[PerImage, PerImage]:
    """SSIM and MS-SSIM by products with banded matrices."""
    finest, contrast = similarity(ours, theirs, window)
    product = contrast.clamp_min(0) ** SCALE_WEIGHTS[0]
    for weight in SCALE_WEIGHTS[1:-1]:
        ours, theirs = halve(ours), halve(theirs)
        _, contrast = similarity(ours, theirs, window)
        product = product * contrast.clamp_min(0) ** weight
    coarsest, _ = similarity(halve(ours), halve(theirs), window)
    return _per_image(finest), _per_image(product * coarsest.clamp_min(0) ** SCALE_WEIGHTS[-1])


def _per_image(values: Float[Tensor, " planes"]) -> PerImage:
    return values.view(-1, 3).mean(1).float()


def _check(images: Images, decoded: Images, side: int, what: str) -> None:
    check_pair(images, decoded)
    if min(images.shape[-2:]) < side:
        raise UsageError(f"{what} needs images of at least {side} pixels a side, not {tuple(images.shape[-2:])}")

"""Structure: SSIM and MS-SSIM on 8-bit pictures, by pytorch-msssim (Wang et al. 2003, 2004)."""

from jaxtyping import Float
from torch import Tensor

from deepjscc.errors import UsageError
from deepjscc.images import to_8bit
from deepjscc.types import Images

SSIM_MIN_SIDE = 11
MS_SSIM_MIN_SIDE = 161  # (11 - 1) · 2^4 + 1: five scales under a window of 11
MS_SSIM_MIN_SIDE_WINDOW_7 = 97  # the same under a window of 7


def ssim(images: Images, decoded: Images) -> Float[Tensor, " batch"]:
    """SSIM per image, mean over colours: Gaussian window 11, sigma 1.5.

    >>> import torch
    >>> picture = torch.linspace(0, 1, 32).expand(1, 3, 32, 32)
    >>> round(ssim(picture, picture).item(), 4)
    1.0

    Raises:
        UsageError: a side under 11 pixels.
    """
    from pytorch_msssim import ssim as windowed

    _need(images, SSIM_MIN_SIDE, "SSIM")
    return windowed(_byte_values(images), _byte_values(decoded), data_range=255, size_average=False)


def ms_ssim(images: Images, decoded: Images, *, window: int = 11) -> Float[Tensor, " batch"]:
    """MS-SSIM per image, five scales, standard weights.

    Args:
        images: what was sent.
        decoded: what came out.
        window: 11 is the standard, from 161 pixels a side; 7 is a variant from 97 pixels: label it.

    Raises:
        UsageError: a side too small for five scales.
    """
    from pytorch_msssim import ms_ssim as windowed

    _need(images, (window - 1) * 16 + 1, f"MS-SSIM with window {window}")
    return windowed(_byte_values(images), _byte_values(decoded), data_range=255, size_average=False, win_size=window)


def _byte_values(images: Images) -> Images:
    return to_8bit(images).float()


def _need(images: Images, side: int, what: str) -> None:
    if min(images.shape[-2:]) < side:
        raise UsageError(f"{what} needs images of at least {side} pixels a side, not {tuple(images.shape[-2:])}")

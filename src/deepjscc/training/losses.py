"""Training losses: functions of the sent and the reconstructed images."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from deepjscc.errors import UsageError
from deepjscc.metrics.perceptual import published_lpips
from deepjscc.metrics.structural import MS_SSIM_MIN_SIDE, MS_SSIM_MIN_SIDE_WINDOW_7, exact_ms_ssim
from deepjscc.types import Images


def mse(images: Images, decoded: Images) -> Float[Tensor, ""]:
    """Mean squared error over the batch (Bourtsoulatze et al. 2019, eq. 3)."""
    return (images - decoded).square().mean()


def log_mse(images: Images, decoded: Images) -> Float[Tensor, ""]:
    """Mean over images of log MSE: PSNR up to a factor, so every SNR weighs alike."""
    return ((images - decoded).square().mean((1, 2, 3)) + 1e-6).log().mean()


def ms_ssim(images: Images, decoded: Images) -> Float[Tensor, ""]:
    """1 - MS-SSIM, mean over images: window 11 from 161 pixels a side, from 97 the variant with window 7.

    Raises:
        UsageError: smaller crops, on which there are no five scales.
    """
    side = min(images.shape[-2:])
    if side < MS_SSIM_MIN_SIDE_WINDOW_7:
        raise UsageError(f"an MS-SSIM loss needs crops of at least {MS_SSIM_MIN_SIDE_WINDOW_7} pixels, not {side}")
    window = 11 if side >= MS_SSIM_MIN_SIDE else 7
    with torch.autocast(images.device.type, enabled=False):  # variances are differences of squares
        return 1 - exact_ms_ssim(decoded.float(), images.float(), 1.0, window).mean()


def lpips(images: Images, decoded: Images) -> Float[Tensor, ""]:
    """LPIPS with the AlexNet trunk, mean over images (Zhang et al. 2018): the metric itself, of unrounded values."""
    with torch.autocast(images.device.type, enabled=False):  # differences of unit vectors: bf16 has too few digits
        return published_lpips().to(images.device)(images, decoded.float()).mean()


def mse_ms_ssim(images: Images, decoded: Images) -> Float[Tensor, ""]:
    """0.7 MSE + 0.3 (1 - MS-SSIM), the three-approaches report's loss (sec. 3.2)."""
    return 0.7 * mse(images, decoded) + 0.3 * ms_ssim(images, decoded)


LOSSES: dict[str, Callable[[Images, Images], Float[Tensor, ""]]] = {
    "mse": mse,
    "log_mse": log_mse,
    "ms_ssim": ms_ssim,
    "mse_ms_ssim": mse_ms_ssim,
    "lpips": lpips,
}

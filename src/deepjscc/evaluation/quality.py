"""All metrics of a batch at once, None where an image is too small for one."""

from deepjscc import metrics
from deepjscc.metrics.perceptual import MIN_SIDE as LPIPS_MIN_SIDE
from deepjscc.metrics.structural import MS_SSIM_MIN_SIDE, SSIM_MIN_SIDE
from deepjscc.types import Images


def quality(images: Images, decoded: Images, *, with_lpips: bool = False) -> dict[str, list[float | None]]:
    """Per-image values of ``psnr_db``, ``ssim``, ``ms_ssim`` and ``lpips``, all on 8 bits.

    Raises:
        DeepJSCCError: LPIPS asked for and its weights cannot be had.
    """
    side = min(images.shape[-2:])
    nothing: list[float | None] = [None] * len(images)
    return {
        "psnr_db": metrics.psnr(images, decoded).tolist(),
        "ssim": metrics.ssim(images, decoded).tolist() if side >= SSIM_MIN_SIDE else nothing,
        "ms_ssim": metrics.ms_ssim(images, decoded).tolist() if side >= MS_SSIM_MIN_SIDE else nothing,
        "lpips": metrics.lpips(images, decoded).tolist() if with_lpips and side >= LPIPS_MIN_SIDE else nothing,
    }

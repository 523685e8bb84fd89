"""The measures of a transmission: each stage of it, and all metrics of a batch at once."""

from deepjscc import metrics
from deepjscc.metrics.perceptual import MIN_SIDE as LPIPS_MIN_SIDE
from deepjscc.metrics.structural import (
    MS_SSIM_MIN_SIDE,
    MS_SSIM_MIN_SIDE_WINDOW_7,
    SSIM_MIN_SIDE,
    ssim_and_ms_ssim,
)
from deepjscc.types import Images, Transmission


def quality(
    images: Images, decoded: Images, *, with_lpips: bool = False, with_structure: bool = True
) -> dict[str, list[float | None]]:
    """Per-image values of ``psnr_db``, ``ssim``, ``ms_ssim`` (or its variant) and ``lpips``, all on 8 bits.

    Args:
        images: the transmitted images in [0, 1], ``[batch, 3, height, width]``.
        decoded: the received images, of the same shape.
        with_lpips: whether to measure LPIPS, else None.
        with_structure: whether to measure SSIM and MS-SSIM, which often take longer than the transmission; else None.
    """
    smaller = min(images.shape[-2:])
    side = smaller if with_structure else 0
    small = MS_SSIM_MIN_SIDE_WINDOW_7 <= side < MS_SSIM_MIN_SIDE
    nothing: list[float | None] = [None] * len(images)
    ssim = ms_ssim = nothing
    if side >= MS_SSIM_MIN_SIDE:
        ssim, ms_ssim = (values.tolist() for values in ssim_and_ms_ssim(images, decoded))
    elif side >= SSIM_MIN_SIDE:
        ssim = metrics.ssim(images, decoded).tolist()
    return {
        "psnr_db": metrics.psnr(images, decoded).tolist(),
        "ssim": ssim,
        "ms_ssim": ms_ssim,
        "ms_ssim_window_7": metrics.ms_ssim(images, decoded, window=7).tolist() if small else nothing,
        "lpips": metrics.lpips(images, decoded).tolist() if with_lpips and smaller >= LPIPS_MIN_SIDE else nothing,
    }


def stages(sent: Transmission) -> dict[int | None, tuple[Images, list[int]]]:
    """The images decoded after each stage, with the channel uses of each image up to it.

    The keys are the numbers of the stages, from 1, or None for a transmission without stages. For pairs the images are
    the views, those of a pair one after the other.
    """
    if not sent.refinements:
        return {None: (sent.images.flatten(0, -4), sent.channel_uses.flatten().tolist())}
    ends = zip(sent.refinements, sent.refinement_uses, strict=True)
    return {stage: (images, [uses] * len(images)) for stage, (images, uses) in enumerate(ends, 1)}

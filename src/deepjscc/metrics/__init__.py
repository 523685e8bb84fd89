"""Metrics: functions of the image sent and the image that came out."""

from deepjscc.metrics.fidelity import mse, pool, psnr
from deepjscc.metrics.perceptual import lpips
from deepjscc.metrics.structural import ms_ssim, ssim

__all__ = ["lpips", "ms_ssim", "mse", "pool", "psnr", "ssim"]

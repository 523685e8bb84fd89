"""Metrics: functions of the image sent and the image that came out."""

from deepjscc.metrics.fidelity import mse, psnr
from deepjscc.metrics.perceptual import lpips
from deepjscc.metrics.structural import ms_ssim, ssim

__all__ = ["lpips", "ms_ssim", "mse", "psnr", "ssim"]

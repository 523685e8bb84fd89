"""Metrics: functions of the image sent and the image that came out."""

from deepjscc.metrics.fidelity import mse, psnr
from deepjscc.metrics.perceptual import lpips
from deepjscc.metrics.structural import ms_ssim, ssim
from deepjscc.metrics.texture import detail_energy_ratio

__all__ = ["detail_energy_ratio", "lpips", "ms_ssim", "mse", "psnr", "ssim"]

"""Training losses: in bf16 as in fp32 where they subtract numbers that are nearly equal."""

import pytest
import torch

from deepjscc.training.losses import LOSSES


@pytest.mark.parametrize("name", ["ms_ssim", "mse_ms_ssim", "lpips"])
def test_autocast_does_not_change_structural_losses(name: str) -> None:
    """The variances of SSIM are differences of squares: in bf16 those of smooth pictures came out negative."""
    ramp = torch.linspace(0.2, 0.8, 192)[None, None, None, :].expand(1, 3, 192, 192)
    decoded = (ramp + 2e-3 * torch.randn(ramp.shape, generator=torch.Generator().manual_seed(0))).requires_grad_()
    exact = LOSSES[name](ramp, decoded)
    with torch.autocast("cpu", torch.bfloat16):
        half = LOSSES[name](ramp, decoded)
    half.backward()
    assert half.item() == pytest.approx(exact.item(), abs=1e-6)
    assert decoded.grad is not None
    assert decoded.grad.isfinite().all()

"""The initialisation: layers keep the mean square of their inputs, and a chain of gated stages its gradients."""

import math

import pytest
import torch
from torch import Tensor, nn

from deepjscc.channels import AWGN
from deepjscc.layers.initialise import open_gate, preserve_variance
from deepjscc.layers.snr_stage import Down, Up
from deepjscc.models import Adaptive
from deepjscc.systems import Link
from deepjscc.training.losses import log_mse

WITHIN = 2.5  # factor that a stage may change the root mean square of activations or gradients by


@pytest.mark.parametrize("slope", [0.0625, 0.25, 1.0])
@pytest.mark.parametrize(
    "layer",
    [nn.Conv2d(48, 64, 5, stride=2), nn.Conv2d(48, 64, 3), nn.ConvTranspose2d(48, 64, 5, stride=2, padding=2)],
    ids=["stride 2", "3x3", "transposed"],
)
@torch.no_grad()
def test_a_convolution_and_its_prelu_keep_the_mean_square(layer: nn.Conv2d | nn.ConvTranspose2d, slope: float) -> None:
    torch.manual_seed(0)
    preserve_variance(layer, slope=slope)
    out = nn.functional.prelu(layer(torch.randn(2, 48, 24, 24)), torch.tensor([slope]))[..., 4:-4, 4:-4]
    assert out.square().mean().item() == pytest.approx(1, rel=0.15)


@torch.no_grad()
def test_an_open_gate_is_near_one_for_any_condition() -> None:
    torch.manual_seed(0)
    layer = nn.Linear(64, 8)
    open_gate(layer)
    gates = layer(torch.rand(100, 64)).sigmoid()
    assert gates.min() > 0.9


def test_signals_and_gradients_keep_their_size_through_all_gated_stages() -> None:
    """With PyTorch's default the gradient shrank 490-fold on its way back through the decoder, at width 32."""
    torch.manual_seed(0)
    activations = _after_stages(Adaptive(width=16))
    sizes = [_rms(activation) for activation in activations]
    gradients = [activation.grad.norm().item() for activation in activations if activation.grad is not None]
    assert len(gradients) == 8
    for coder in (slice(0, 4), slice(4, 8)):  # the power is normalised between the two
        assert max(sizes[coder]) < WITHIN * min(sizes[coder])
        assert max(gradients[coder]) < WITHIN * min(gradients[coder])
    assert max(gradients) < 10 * min(gradients)


def test_the_encoders_first_weights_receive_a_gradient_like_the_decoders_last() -> None:
    """With PyTorch's default the ratio of the two was 8e-5 (width 32)."""
    torch.manual_seed(0)
    model = Adaptive(width=16)
    _after_stages(model)
    first, last = model.encoder.stages[0], model.decoder.stages[-1]
    assert isinstance(first, Down)
    assert isinstance(last, Up)
    assert first.halve.weight.grad is not None
    assert last.enlarge.weight.grad is not None
    ratio = first.halve.weight.grad.norm() / last.enlarge.weight.grad.norm()
    assert 0.05 < ratio < 20


def _rms(values: Tensor) -> float:
    return math.sqrt(values.detach().square().mean().item())


def _after_stages(model: Adaptive) -> list[Tensor]:
    """What each stage of encoder and decoder puts out, with gradients of the log-MSE of one transmission."""
    outputs: list[Tensor] = []

    def keep(_: nn.Module, __: object, output: Tensor) -> None:
        output.retain_grad()
        outputs.append(output)

    for stage in (*model.encoder.stages, *model.decoder.stages):
        stage.register_forward_hook(keep)
    coarse = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    images = nn.functional.interpolate(coarse, size=(64, 64), mode="bilinear")
    draws = torch.Generator().manual_seed(0)
    decoded = Link(model, AWGN()).transmit(images, torch.full((2,), 10.0), generator=draws).images
    log_mse(images, decoded).backward()
    return outputs

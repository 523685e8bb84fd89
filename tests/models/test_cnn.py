"""The original autoencoder: its shapes, its ratios, and that it learns."""

import math

import pytest
import torch
from torch import nn

from deepjscc.channels import AWGN
from deepjscc.equaliser import equalise
from deepjscc.errors import UsageError
from deepjscc.models import MODELS, Cnn
from deepjscc.symbols import mean_power
from deepjscc.systems import Link
from deepjscc.types import LinkPlan


@pytest.mark.parametrize("kind", MODELS)
def test_every_model_is_built_and_transmits(kind: str) -> None:
    model = MODELS[kind]()
    sent = Link(model, AWGN()).transmit(torch.rand(2, 3, 32, 32), torch.tensor([0.0, 10.0]))
    assert sent.images.shape == (2, 3, 32, 32)
    assert sent.images.min() >= 0
    assert sent.images.max() <= 1


def test_layers_are_the_papers() -> None:
    shapes = [tuple(m.weight.shape) for m in Cnn(filters=16).encoder if isinstance(m, nn.Conv2d)]
    assert shapes == [(16, 3, 5, 5), (32, 16, 5, 5), (32, 32, 5, 5), (32, 32, 5, 5), (16, 32, 5, 5)]
    mirrored = [tuple(m.weight.shape) for m in Cnn(filters=16).decoder if isinstance(m, nn.ConvTranspose2d)]
    assert mirrored == shapes[::-1]


@pytest.mark.parametrize(("filters", "ratio"), [(8, 1 / 12), (16, 1 / 6), (4, 1 / 24), (32, 1 / 3)])
def test_ratio_of_the_convolutional_form(filters: int, ratio: float) -> None:
    sent = Cnn(filters=filters).encode(torch.rand(2, 3, 32, 32), LinkPlan(torch.zeros(2), ratio))
    assert sent.symbols.shape[1] / 3072 == pytest.approx(ratio)
    assert mean_power(sent.symbols).tolist() == pytest.approx([1, 1], rel=1e-4)
    assert sent.digital == ((), ())


def test_dense_form_sends_any_number_of_reals() -> None:
    model = Cnn(filters=16, dense_reals=500)
    assert model.encode(torch.rand(1, 3, 32, 32), LinkPlan(torch.zeros(1))).symbols.shape == (1, 250)
    assert model.uses((32, 32)) == 250
    with pytest.raises(UsageError, match="32x32"):
        model.encode(torch.rand(1, 3, 36, 36), LinkPlan(torch.zeros(1)))


def test_any_size_goes_through_the_convolutional_form() -> None:
    for size in ((1, 1), (33, 47), (7, 64)):
        sent = Link(Cnn(filters=3), AWGN()).transmit(torch.rand(1, 3, *size), torch.tensor([math.inf]))
        assert sent.images.shape[-2:] == size


def test_another_ratio_or_number_of_symbols_is_refused() -> None:
    model = Cnn(filters=16)
    with pytest.raises(UsageError, match=r"0\.1667"):
        model.encode(torch.rand(1, 3, 32, 32), LinkPlan(torch.zeros(1), 1 / 12))
    received = equalise(AWGN()(torch.ones(1, 511).cfloat(), torch.tensor([10.0])), None)
    with pytest.raises(UsageError, match="511 symbols"):
        model.decode(received, (32, 32))


def test_default_and_channels_last_layouts_agree() -> None:
    model = Cnn(filters=8).eval()
    images = torch.rand(4, 3, 32, 32)
    default = model.encode(images, LinkPlan(torch.zeros(4))).symbols
    model.to(memory_format=torch.channels_last)
    assert torch.allclose(model.encode(images, LinkPlan(torch.zeros(4))).symbols, default, atol=1e-5)


def test_gradients_reach_every_weight() -> None:
    model = Cnn(filters=4)
    Link(model, AWGN()).transmit(torch.rand(2, 3, 32, 32), torch.full((2,), 5.0)).images.sum().backward()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in model.parameters())


def test_bad_configs_are_refused() -> None:
    with pytest.raises(UsageError):
        Cnn(filters=0)
    with pytest.raises(UsageError):
        Cnn(dense_reals=0)

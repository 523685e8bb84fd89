import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from deepjscc.errors import UsageError
from deepjscc.symbols import channel_uses, mean_power, normalise_power, to_latent, to_symbols
from deepjscc.types import DigitalLayer, IdealCode


@given(st.integers(1, 5), st.integers(1, 41))
def test_pairing_round_trips_and_keeps_images_apart(batch: int, reals: int) -> None:
    latent = torch.arange(batch * reals, dtype=torch.float32).reshape(batch, reals)
    symbols = to_symbols(latent)
    assert symbols.shape == (batch, math.ceil(reals / 2))
    assert torch.equal(to_latent(symbols, reals), latent)
    assert torch.equal(to_symbols(latent[:1]), symbols[:1])


def test_power_is_one_per_image_not_per_batch(draws: torch.Generator) -> None:
    loud_and_quiet = torch.randn(2, 64, dtype=torch.complex64, generator=draws) * torch.tensor([[100.0], [0.01]])
    assert mean_power(normalise_power(loud_and_quiet)).tolist() == pytest.approx([1, 1], rel=1e-5)


def test_silence_stays_silent() -> None:
    assert torch.equal(normalise_power(torch.zeros(2, 8, dtype=torch.complex64)), torch.zeros(2, 8).cfloat())


def test_channel_uses_of_papers() -> None:
    assert channel_uses((512, 768), 1 / 8) == 147456
    assert channel_uses((512, 768), 1 / 12) == 98304
    assert channel_uses((32, 32), 250 / 3072) == 250  # k = 500 real uses on CIFAR-10
    assert channel_uses((1, 1), 1 / 8) == 0
    with pytest.raises(UsageError):
        channel_uses((32, 32), math.nan)


def test_side_information_is_counted() -> None:
    assert DigitalLayer(b"").uses == 0
    assert DigitalLayer(b"12").uses == 128
    assert DigitalLayer(b"12", IdealCode(1 / 2)).uses == 32

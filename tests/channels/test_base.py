"""What callers pass to a channel is checked once, at the door."""

import pytest
import torch

from deepjscc.channels import AWGN, Rayleigh
from deepjscc.errors import UsageError


def _draws() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("channel", [AWGN(), Rayleigh("image")], ids=["awgn", "rayleigh"])
def test_real_symbols_are_refused(channel: torch.nn.Module) -> None:
    """A real tensor would meet noise of N0 per real value: 3 dB too much."""
    with pytest.raises(UsageError, match="must be complex symbols"):
        channel(torch.rand(2, 12), torch.tensor([3.0, 3.0]))
    with pytest.raises(UsageError, match=r"must be \[batch, uses\], not \[12\]"):
        channel(torch.ones(12, dtype=torch.complex64), torch.tensor([3.0]))


def test_one_snr_is_that_of_all_images() -> None:
    symbols = torch.ones(3, 8, dtype=torch.complex64)
    expected = AWGN()(symbols, torch.tensor([5.0, 5.0, 5.0]), generator=_draws())
    for snr_db in (5.0, torch.tensor(5.0), torch.tensor([5.0])):
        output = AWGN()(symbols, snr_db, generator=_draws())
        assert torch.equal(output.symbols, expected.symbols)
        assert torch.equal(output.noise_variance, expected.noise_variance)
        assert output.snr_db.shape == (3,)


def test_other_numbers_of_snrs_are_refused() -> None:
    symbols = torch.ones(3, 8, dtype=torch.complex64)
    with pytest.raises(UsageError, match="one for each: 3 of them, not 2"):
        AWGN()(symbols, torch.tensor([5.0, 6.0]))
    with pytest.raises(UsageError, match="cannot be NaN"):
        AWGN()(symbols, float("nan"))

"""Several antennas: power and SNR, capacities against closed forms, precoding, and what is refused."""

import math

import pytest
import torch

from deepjscc.channels import Mimo, Rayleigh, make_channel
from deepjscc.channels.mimo_capacity import closed_loop_capacity, ergodic_capacity, open_loop_capacity
from deepjscc.channels.mimo_pilots import estimate_matrix, pilot_uses, receive_pilots
from deepjscc.channels.precoding import water_fill
from deepjscc.channels.prefix import Prefix
from deepjscc.errors import UsageError


def gaussian(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.complex64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("transmit", "receive", "bits"), [(1, 1, 2.9065), (2, 2, 5.549), (4, 4, 10.941)])
def test_ergodic_capacity_is_telatars(transmit: int, receive: int, bits: float) -> None:
    """Values of Telatar's integral at 10 dB, which draws of the channel confirm."""
    snr_db = torch.tensor([10.0])
    assert ergodic_capacity(transmit, receive, snr_db).item() == pytest.approx(bits, abs=2e-3)
    drawn = open_loop_capacity(gaussian(20_000, receive, transmit), snr_db.expand(20_000)).mean().item()
    assert drawn == pytest.approx(bits, rel=0.01)


def test_one_antenna_at_each_end_has_the_capacity_of_rayleigh_fading() -> None:
    snr_db = torch.tensor([-5.0, 5.0, 20.0])
    fast = Mimo(1, 1, coherence="symbol").capacity(snr_db)
    torch.testing.assert_close(fast, Rayleigh("symbol").capacity(snr_db), atol=2e-3, rtol=1e-3)
    slow, gain = Mimo(1, 1), gaussian(3, 1)
    torch.testing.assert_close(slow.capacity(snr_db, gain), Rayleigh("image").capacity(snr_db, gain))


def test_water_filling_is_the_best_split_of_the_power() -> None:
    """Of two subchannels: no split of a fine grid is better, and at high SNR both ends gain nothing by knowing H."""
    matrices, snr_db = torch.diag(torch.tensor([1.0, 0.3])).to(torch.complex64)[None], torch.tensor([6.0])
    share = torch.linspace(0, 1, 10_001, dtype=torch.float64)
    snr = 10**0.6
    grid = torch.log2(1 + share * snr) + torch.log2(1 + (1 - share) * 0.09 * snr)
    assert closed_loop_capacity(matrices, snr_db).item() == pytest.approx(grid.max().item(), abs=1e-5)
    drawn, low, high = gaussian(500, 2, 2), torch.full((500,), 0.0), torch.full((500,), 60.0)
    assert closed_loop_capacity(drawn, low).mean() > open_loop_capacity(drawn, low).mean() + 0.3
    assert closed_loop_capacity(drawn, high).mean() == pytest.approx(
        open_loop_capacity(drawn, high).mean().item(), abs=0.01
    )


def test_powers_of_streams_minimise_the_error_and_keep_the_power() -> None:
    snr, power = torch.tensor([[[8.0, 0.5]]], dtype=torch.float64), torch.tensor([[[1.6, 0.4]]], dtype=torch.float64)
    factors = water_fill(snr, power)[0, 0]
    assert (factors * power[0, 0]).sum().item() == pytest.approx(2.0)

    def error(first: torch.Tensor) -> torch.Tensor:
        second = (2.0 - 1.6 * first) / 0.4
        return 1.6 / (1 + first * 8.0) + 0.4 / (1 + second * 0.5)

    grid = torch.linspace(0, 1.25, 10_001, dtype=torch.float64)
    assert error(factors[0]).item() == pytest.approx(error(grid).min().item(), abs=1e-6)
    weak = water_fill(torch.tensor([[[8.0, 1e-9]]], dtype=torch.float64), torch.ones(1, 1, 2, dtype=torch.float64))
    assert weak.flatten().tolist() == pytest.approx([2.0, 0.0])


@pytest.mark.parametrize("precoding", ["none", "svd"])
@pytest.mark.parametrize("coherence", ["image", "symbol"])
def test_the_power_of_all_antennas_is_one_and_snr_is_that_of_a_receive_antenna(precoding: str, coherence: str) -> None:
    channel, symbols = Mimo(4, 4, precoding, coherence), gaussian(60, 400)
    sent = channel(symbols, torch.full((60,), torch.inf), generator=torch.Generator().manual_seed(0))
    noisy = channel(symbols, torch.full((60,), 0.0), generator=torch.Generator().manual_seed(0))
    precoder = sent.precoded.precoder
    x = (precoder @ channel.to_vectors(symbols)[..., None])[..., 0]
    assert x.abs().square().sum(2).mean().item() == pytest.approx(1, abs=0.02)
    assert noisy.noise_variance.unique().tolist() == [1.0]
    if precoding == "none":
        assert sent.symbols.abs().square().mean().item() == pytest.approx(1, abs=0.1)
    else:  # the transmitter aims at the strong directions
        assert sent.symbols.abs().square().mean().item() > 0.9


def test_streams_of_strong_symbols_take_the_strong_subchannels() -> None:
    symbols = torch.cat([3 * gaussian(1, 500), 0.3 * gaussian(1, 500)], 1)
    channel = Mimo(2, 2, "svd")
    vectors = channel.to_vectors(symbols)
    assert vectors.abs().square().mean(1)[0].tolist() == pytest.approx([9, 0.09], rel=0.2)
    output = channel(symbols, torch.tensor([10.0]), generator=torch.Generator().manual_seed(3))
    effective = channel.matrices(output.gain) @ output.precoded.precoder
    strengths = (effective.mH @ effective)[0, 0].abs()
    assert strengths[0, 0] > strengths[1, 1]
    assert strengths[0, 1] < 1e-5  # orthogonal


def test_estimates_have_the_error_that_is_told_and_pilots_are_counted() -> None:
    matrices, n0 = gaussian(4000, 2, 2), torch.full((4000,), 4.0)
    estimate, error = estimate_matrix(receive_pilots(matrices, n0, torch.Generator().manual_seed(1)), n0)
    found = (estimate - matrices).abs().square().mean().item()
    assert found == pytest.approx(error[0].item(), rel=0.05)
    assert found == pytest.approx(0.125 / 1.125, rel=0.05)
    channel = Mimo(4, 4, csi="estimated")
    assert channel.pilot_uses(1000) == pilot_uses(4) == 512
    assert channel.data_uses(1000) == 488
    assert Mimo(4, 4).pilot_uses(1000) == 0


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("mimo:transmit=0", "from 1 to 16, not 0"),
        ("mimo:receive=17", "from 1 to 16, not 17"),
        ("mimo:transmit=-2", "from 1 to 16, not -2"),
        ("mimo:transmit=4,receive=2", "cannot separate"),
        ("mimo:csi=none", "need channel state information"),
        ("mimo:csi=estimated,coherence=symbol", "no pilots"),
        ("mimo:antennas=4", "does not take antennas"),
    ],
)
def test_impossible_channels_are_one_line(name: str, told: str) -> None:
    with pytest.raises(UsageError, match=told) as refused:
        make_channel(name)
    assert "\n" not in str(refused.value)


def test_gains_that_are_no_matrices_are_refused() -> None:
    channel, symbols, snr_db = Mimo(2, 2), gaussian(1, 10), torch.tensor([10.0])
    with pytest.raises(UsageError, match="not 1 matrices of 2 by 2"):
        channel(symbols, snr_db, gain=torch.ones(1, 3, dtype=torch.complex64))
    with pytest.raises(UsageError, match="not finite"):
        channel(symbols, snr_db, gain=torch.full((1, 4), math.nan, dtype=torch.complex64))
    with pytest.raises(UsageError, match="no first symbols"):
        Prefix(channel, 0.5)


def test_fades_are_of_one_image_or_average_out() -> None:
    assert Mimo(2, 2, coherence="symbol").fade_offsets_db() == (0.0,)
    slow, precoded = Mimo(2, 2).fade_offsets_db(), Mimo(2, 2, "svd").fade_offsets_db()
    assert len(slow) == 16
    assert list(slow) == sorted(slow)
    assert Mimo(2, 2).fade_depth_db > 3
    assert all(both >= one - 0.01 for both, one in zip(precoded, slow, strict=True))

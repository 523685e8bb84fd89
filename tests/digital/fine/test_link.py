"""Whole messages over noise: they arrive, errors are noticed, and the planned error rates hold."""

import math

import pytest
import torch

from deepjscc.digital.bler import confidence
from deepjscc.digital.fine import decode, encode, error_probability, plan_code
from deepjscc.errors import UsageError
from deepjscc.systems.analog_spreading import spread


def noisy(symbols: torch.Tensor, n0: float | torch.Tensor, seed: int = 0) -> torch.Tensor:
    draws = torch.Generator().manual_seed(seed)
    return symbols + torch.as_tensor(n0) ** 0.5 * torch.randn(symbols.shape, dtype=symbols.dtype, generator=draws)


def message(bits: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(0, 2, (bits,), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)


@pytest.mark.parametrize(
    ("uses", "sinr_db"),
    [(100, 6.0), (500, -5.0), (777, 2.0), (3001, 5.0), (5000, 10.0), (6003, 15.0), (4000, 20.0), (2000, 33.0)],
)
def test_messages_arrive_at_the_design_and_are_lost_far_below(uses: int, sinr_db: float) -> None:
    plan = plan_code(uses, sinr_db)
    bits, n0 = message(plan.message_bits), 10 ** (-(sinr_db + 0.5) / 10)
    symbols = encode(bits, plan)
    assert symbols.shape == (uses,)
    received, arrived = decode(noisy(symbols, n0), torch.full((uses,), n0), plan)
    assert arrived
    assert received is not None
    assert torch.equal(received, bits)
    assert decode(noisy(symbols, 20 * n0), torch.full((uses,), 20 * n0), plan) == (None, False)
    assert decode(0 * symbols, torch.full((uses,), n0), plan) == (None, False)


@pytest.mark.parametrize("sinr_db", [-7.0, -5.5, -5.0, -4.5, -3.0, -2.5])
def test_low_rates_hold_what_is_planned(sinr_db: float) -> None:
    """Where only some coded bits are repeated, thresholds lie 0.1 to 0.4 dB above what lies around suggests."""
    plan = plan_code(20_000, sinr_db)
    symbols, n0 = encode(message(plan.message_bits), plan), 10 ** (-sinr_db / 10)
    arrived = [decode(noisy(symbols, n0, seed), torch.full((20_000,), n0), plan)[1] for seed in range(4)]
    assert all(arrived)


def test_shaped_and_plain_plans_are_both_tested() -> None:
    assert [plan_code(uses, sinr_db).shaped for uses, sinr_db in ((500, -5.0), (5000, 10.0), (4000, 20.0))] == [
        False,
        True,
        True,
    ]


@pytest.mark.parametrize("sinr_db", [0.0, 9.0, 17.0])
@pytest.mark.parametrize("value", [0, 1])
def test_constant_messages_have_mean_power_one(sinr_db: float, value: int) -> None:
    plan = plan_code(20_000, sinr_db)
    symbols = encode(torch.full((plan.message_bits,), value), plan)
    assert symbols.abs().square().mean().item() == pytest.approx(1, abs=0.02)
    assert symbols.mean().abs() < 0.03


def test_wrong_sizes_are_named() -> None:
    plan = plan_code(300, 5.0)
    with pytest.raises(UsageError, match=f"the plan holds {plan.message_bits} bits"):
        encode(torch.zeros(3), plan)
    with pytest.raises(UsageError, match="the plan holds 300 symbols"):
        decode(torch.zeros(299, dtype=torch.complex64), torch.ones(299), plan)


def lost_messages(uses: int, sinr_db: float, error_rate: float, count: int, analog: bool) -> tuple[int, float]:
    """Messages lost of so many at the design SINR, and the probability that was planned."""
    plan, lost = plan_code(uses, sinr_db, error_rate), 0
    sinr = 10 ** (plan.design_sinr_db / 10)
    for seed in range(count):
        symbols = encode(message(plan.message_bits, seed), plan)
        if analog:
            # A superposed analog layer as hybrids send it: spread coefficients of a Laplacian source, half of the
            # disturbance; the rest is noise. The receiver knows the sum of the variances alone.
            draws = torch.Generator().manual_seed(10**6 + seed)
            uniform = torch.rand(2, uses, generator=draws) - 0.5
            laplacian = -uniform.sign() * torch.log1p(-2 * uniform.abs().clamp_max(0.4999999)) / math.sqrt(2)
            layer = spread(torch.complex(*laplacian)) * math.sqrt(0.5 * 0.5 / sinr)
            received = noisy(symbols + layer, 0.5 / sinr, seed)
        else:
            received = noisy(symbols, 1 / sinr, seed)
        lost += not decode(received, torch.full((uses,), 1 / sinr), plan)[1]
    return lost, error_probability(plan, plan.design_sinr_db)


@pytest.mark.slow
@pytest.mark.parametrize("analog", [False, True], ids=["noise", "noise and analog layer"])
@pytest.mark.parametrize(("uses", "sinr_db"), [(300, 0.0), (3000, 3.0), (3000, 10.0), (3000, 17.0)])
def test_planned_error_rates_hold(uses: int, sinr_db: float, analog: bool) -> None:
    """At an error rate of 0.1, at which few messages say much: not above twice of it, nor under a quarter."""
    lost, planned = lost_messages(uses, sinr_db, 0.1, 300, analog)
    low, high = confidence(lost, 300)
    print(f"{uses} uses at {sinr_db} dB, analog layer {analog}: {lost} of 300 lost, planned {planned:.3f}")
    assert low < 2 * planned
    assert high > planned / 4


def test_a_noise_variance_for_each_symbol_is_used() -> None:
    plan = plan_code(3000, 6.0)
    bits = message(plan.message_bits)
    n0 = torch.full((3000,), 10**-1.1)
    n0[::4] = 3.0  # a quarter of the symbols is useless
    received = noisy(encode(bits, plan), n0)
    assert error_probability(plan, (-10 * torch.log10(n0)).numpy()) < 0.1
    assert decode(received, n0, plan)[1]
    assert not decode(received, torch.full((3000,), n0.mean().item()), plan)[1]

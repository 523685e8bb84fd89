"""Planning: both ends agree, more is never less, and the plan keeps its promise by its own model."""

import itertools
import math
from statistics import NormalDist

import numpy as np
import pytest

from deepjscc.digital.fine import error_probability, plan_code, plan_from_index, sinr_index
from deepjscc.digital.fine.thresholds import block_error_rate, deviate, limit_db, threshold
from deepjscc.errors import UsageError


def gap_db(uses: int, sinr_db: float) -> float:
    """SINR to which the planned bits would be the capacity, below that planned for."""
    return sinr_db - 10 * math.log10(2 ** (plan_code(uses, sinr_db).message_bits / uses) - 1)


@pytest.mark.parametrize("sinr_db", [-5.0, 0.0, 5.0, 10.0, 15.0, 20.0])
def test_the_gap_to_capacity_is_small(sinr_db: float) -> None:
    """As docs/digital.md has it: at most 1.3 dB for a picture of 50,000 uses that arrives 99 times in 100."""
    assert 0.5 < gap_db(50_000, sinr_db) < 1.3


def test_the_index_says_everything() -> None:
    for sinr_db in (-12.34, -0.05, 0.0, 3.3, 7.77, 19.999, 44.0):
        plan, index = plan_code(4321, sinr_db), sinr_index(sinr_db)
        assert plan == plan_from_index(4321, index)
        assert plan.index == index
        assert -1e-9 < sinr_db - plan.design_sinr_db < 0.1
    assert sinr_index(0.3) == 3
    assert sinr_index(-1000.0) == -200
    assert sinr_index(math.inf) == 450
    with pytest.raises(UsageError, match="not a number"):
        sinr_index(math.nan)


def test_plans_arrive_with_the_probability_asked_for() -> None:
    for uses, sinrs_db in ((150, (1.0, 9.2)), (1000, (-2.0, 13.0)), (7001, (4.5, 18.4, 27.0)), (50_000, (9.2, 13.0))):
        for sinr_db in sinrs_db:
            for error_rate in (0.1, 0.01, 0.001):
                plan = plan_code(uses, sinr_db, error_rate)
                assert 0.4 * error_rate < error_probability(plan, plan.design_sinr_db) < 1.25 * error_rate
            assert error_probability(plan, sinr_db - 3) > 0.25
            assert error_probability(plan, sinr_db + 3) < 1e-3


def test_more_sinr_or_uses_mean_more_bits() -> None:
    for uses in (200, 60_000):
        bits = [plan_code(uses, sinr_db / 2).message_bits for sinr_db in range(-8, 72, 3)]
        # Where one constellation or code follows another, the fitted gaps may differ by a little.
        assert all(later > 0.995 * earlier for earlier, later in itertools.pairwise(bits))
        assert bits[-1] > 20 * bits[0]
    bits = [plan_code(uses, 7.0).message_bits for uses in range(150, 3000, 150)]
    assert bits == sorted(bits)


def test_every_use_is_used_once() -> None:
    for uses, sinr_db in ((100, 12.0), (997, 3.0), (200_003, 15.0)):
        plan = plan_code(uses, sinr_db)
        taken = np.zeros(uses, dtype=int)
        for block in range(plan.code_blocks):
            taken[plan.block_uses(block)] += 1
        assert (taken == 1).all()


def test_sizes_from_a_header_to_ten_million_uses() -> None:
    assert plan_code(100, 5.0).message_bits > 60
    assert plan_code(300, -5.0).message_bits >= 8
    big = plan_code(10**7, 10.0)
    assert 3.0 < big.message_bits / 10**7 < math.log2(11)
    with pytest.raises(UsageError, match=r"20 channel uses at -5\.0 dB do not carry a message of 8 bits"):
        plan_code(20, -5.0)


def test_an_sinr_for_every_symbol_averages_information() -> None:
    plan = plan_code(20_000, 8.0)
    level = error_probability(plan, 8.0)
    assert error_probability(plan, np.full(20_000, 8.0)) == pytest.approx(level, rel=0.1)
    spread = np.where(np.arange(20_000) % 2, 8.3 + 6, 8.3 - 6)
    assert error_probability(plan, spread) > 0.5  # by concavity


def test_the_model_of_error_rates() -> None:
    assert limit_db(0.5) == pytest.approx(0.187, abs=0.005)
    for power in (2.0, 7.0, 7.5, 20.2):
        exact = -NormalDist().inv_cdf(2**-power)
        assert 0 <= deviate(2**-power) - exact + 1e-6 < 0.035
    for rate in (0.05, 0.15, 0.3, 0.45, 0.6, 0.8, 0.92):
        for bits in (60, 500, 5000, 20_000):
            centre, width = threshold(rate, bits)
            assert 0 < centre - limit_db(rate) < 1.3
            assert 0.03 < width < 2.5
            assert block_error_rate(rate, bits, centre) == pytest.approx(0.5)
            assert threshold(rate + 0.01, bits)[0] > centre

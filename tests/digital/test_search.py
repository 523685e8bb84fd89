"""The search for the largest coding that fits: exact on smooth ladders, never above the budget on rough ones."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepjscc.digital.codecs.cache import ByteCache
from deepjscc.digital.codecs.search import SizeModel, ascending, largest_that_fits

LEVELS = range(208)


def _find(sizes: list[int], budget: int, start: int, growth: float = 0.03, enough: float = 1.0) -> tuple[int, set[int]]:
    """The level found, -1 for none, and the levels tried."""
    tried = set()

    def attempt(level: int) -> bytes:
        tried.add(level)
        return level.to_bytes(2, "big")

    model = SizeModel((0, 207), (0.0, 207 * growth))
    found = largest_that_fits(
        attempt, LEVELS, lambda data: sizes[int.from_bytes(data, "big")], budget, start, model, enough
    )
    return (-1 if found is None else int.from_bytes(found, "big")), tried


@settings(max_examples=100, deadline=None)
@given(
    first=st.floats(10, 1000),
    growth=st.floats(0.005, 0.05),
    bend=st.floats(-5e-5, 5e-5),
    budget=st.integers(1, 200_000),
    start=st.integers(-5, 220),
)
def test_the_largest_that_fits_is_found(first: float, growth: float, bend: float, budget: int, start: int) -> None:
    sizes = [math.ceil(first * math.exp(growth * level + bend * level**2)) for level in LEVELS]
    sizes = [max(sizes[: level + 1]) for level in LEVELS]
    found, tried = _find(sizes, budget, start)
    fitting = [level for level in LEVELS if sizes[level] <= budget]
    assert found == (fitting[-1] if fitting else -1) or sizes[found] == budget
    assert len(tried) <= 6 + 8
    assert tried <= set(LEVELS)


@settings(deadline=None)
@given(seed=st.integers(0, 2**32), budget=st.integers(1, 30_000))
def test_dips_cost_a_level_and_never_the_budget(seed: int, budget: int) -> None:
    noise = random.Random(seed)
    sizes = [math.ceil(100 * math.exp(0.025 * level) * noise.uniform(0.97, 1.03)) for level in LEVELS]
    found, _ = _find(sizes, budget, 100)
    if found < 0:
        assert sizes[0] > budget
        return
    assert sizes[found] <= budget
    assert found == LEVELS[-1] or sizes[found + 1] > budget or sizes[found] == budget


def test_a_good_model_needs_two_codings() -> None:
    sizes = [math.ceil(500 * math.exp(0.015 * level)) for level in LEVELS]
    for budget in range(700, 9000, 250):
        found, tried = _find(sizes, budget, 96, growth=0.015, enough=0.985)
        assert len(tried) <= 2
        assert 0.975 * budget < sizes[found] <= budget


def test_the_search_stops_when_enough_is_used() -> None:
    sizes = [1000 + level for level in LEVELS]
    assert _find(sizes, 1100, 95, enough=0.99) == (95, {95})
    assert _find(sizes, 1100, 95)[0] == 100


@settings(deadline=None)
@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=8), st.floats(-3, 20))
def test_a_model_ascends_and_inverts(sizes: list[int], log_size: float) -> None:
    levels = list(range(0, 32 * len(sizes), 32))
    model = ascending(levels, sizes)
    assert all(low < high for low, high in zip(model.log_sizes, model.log_sizes[1:], strict=False))
    level = model.highest(log_size)
    assert model.log_size(level) <= log_size + 1e-6 < model.log_size(level + 1) + 2e-6


def test_a_model_goes_through_measured_sizes() -> None:
    model = ascending([0, 10, 30], [100, 200, 800])
    assert [math.exp(model.log_size(level)) for level in (0, 10, 20, 30, 50)] == pytest.approx(
        [100, 200, 400, 800, 3200]
    )


def test_the_cache_is_bounded_in_bytes() -> None:
    cache, made = ByteCache(max_bytes=10_000), []

    def make(number: int) -> bytes:
        made.append(number)
        return bytes(1000)

    for number in range(50):
        cache.get_or_make(number, lambda number=number: make(number))
        assert cache.bytes <= 10_000
    cache.get_or_make(49, lambda: make(49))
    cache.get_or_make(0, lambda: make(0))
    assert made == [*range(50), 0]

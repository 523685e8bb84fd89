"""Quantisers of a Gaussian source have the errors of Max's tables, and Lloyd-Max levels are centroids."""

import numpy as np
import pytest

from deepjscc.digital.gaussian_quantiser import (
    level_centroids,
    level_probabilities,
    lloyd_max_levels,
    squared_correlation,
    uniform_levels,
)

# Mean squared errors of N(0, 1) and the uniform step: Max, "Quantizing for minimum distortion", 1960, tables I and II.
MAX = {4: (0.1175, 0.1188, 0.9957), 8: (0.03454, 0.03744, 0.5860), 16: (0.009497, 0.01154, 0.3352)}
MAX[32] = (0.002499, 0.003495, 0.1881)


@pytest.mark.parametrize("count", MAX)
def test_errors_and_steps_are_those_of_the_table(count: int) -> None:
    optimised, uniform, step = MAX[count]
    levels = np.array(uniform_levels(count))
    assert 1 - squared_correlation(np.array(lloyd_max_levels(count))) == pytest.approx(optimised, rel=3e-3)
    assert 1 - squared_correlation(levels) == pytest.approx(uniform, rel=2e-3)
    assert np.diff(levels) == pytest.approx(np.full(count - 1, step), rel=2e-3)


@pytest.mark.parametrize("count", [4, 64])
def test_lloyd_max_levels_are_centroids(count: int) -> None:
    levels = np.array(lloyd_max_levels(count))
    assert level_centroids(levels) == pytest.approx(levels, abs=1e-10)
    assert level_probabilities(levels).sum() == pytest.approx(1)
    assert (levels == -levels[::-1]).all()


def test_squared_correlation_is_that_of_draws() -> None:
    levels, draws = np.array(uniform_levels(8)), np.random.default_rng(0).standard_normal(200_000)
    nearest = levels[np.abs(draws[:, None] - levels).argmin(1)]
    assert squared_correlation(levels) == pytest.approx(np.corrcoef(draws, nearest)[0, 1] ** 2, rel=2e-3)

"""Scalar quantisers of a Gaussian source: uniform levels of the best step, and Lloyd-Max levels."""

import math
from functools import cache

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

Levels = Float[np.ndarray, " levels"]
_GOLDEN = (math.sqrt(5) - 1) / 2
_NEWTON_STEPS = 40


@cache
def uniform_levels(count: int) -> tuple[float, ...]:
    """Equally spaced levels of a quantiser of N(0, 1), with the step that costs least.

    The step maximises the squared correlation of source and output (:func:`squared_correlation`), hence the SNR after a
    receiver that scales its input as it should (Max 1960, table II, differs by less than a thousandth of the error).

    Args:
        count: number of levels.

    Returns:
        The levels in rising order, in units of the source's standard deviation.
    """
    grid = np.arange(count) - (count - 1) / 2

    def loss(step: float) -> float:
        return -squared_correlation(step * grid)

    low, high = 2 / count, 8 / count
    inner, outer = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    for _ in range(60):  # golden-section search
        if loss(inner) < loss(outer):
            high, outer = outer, inner
            inner = high - _GOLDEN * (high - low)
        else:
            low, inner = inner, outer
            outer = low + _GOLDEN * (high - low)
    return tuple(((low + high) / 2 * grid).tolist())


@cache
def lloyd_max_levels(count: int) -> tuple[float, ...]:
    """The levels of least mean squared error for N(0, 1) (Max 1960; Lloyd 1982): each the mean of its own interval.

    Solved by Newton's method from the levels of a compander of the density to the power 1/3 (Panter and Dite 1951).

    Args:
        count: number of levels.

    Returns:
        The levels in rising order, in units of the source's standard deviation.
    """
    from scipy.special import ndtri

    levels = math.sqrt(3) * ndtri((np.arange(count) + 0.5) / count)
    for _ in range(_NEWTON_STEPS):
        edges, weight, centroid = _intervals(levels)
        density = np.zeros(count + 1)
        density[1:-1] = _density(edges[1:-1])
        inner = np.where(np.isfinite(edges), edges, 0.0)
        # Derivatives of each centroid by its lower and its upper edge; an edge is the mean of two levels.
        by_lower = density[:-1] * (centroid - inner[:-1]) / weight / 2
        by_upper = density[1:] * (inner[1:] - centroid) / weight / 2
        jacobian = np.diag(1 - by_lower - by_upper) - np.diag(by_lower[1:], -1) - np.diag(by_upper[:-1], 1)
        step = np.linalg.solve(jacobian, levels - centroid)
        levels = levels - step
        if np.abs(step).max() < 1e-12:
            break
    return tuple(((levels - levels[::-1]) / 2).tolist())


def squared_correlation(levels: Levels) -> float:
    """Squared correlation r of N(0, 1) and its nearest level: ``E[x q(x)]^2 / E[q(x)^2]``.

    By Bussgang's theorem the output is ``q(x) = a x + d`` with d uncorrelated with x, so that a receiver which divides
    by a sees noise of variance ``1 / r - 1`` beside a source of variance 1. For Lloyd-Max levels r is 1 less the mean
    squared error.

    Args:
        levels: in rising order.
    """
    _, weight, centroid = _intervals(levels)
    return float((weight * levels * centroid).sum() ** 2 / (weight * levels**2).sum())


def level_probabilities(levels: Levels) -> Float[np.ndarray, " levels"]:
    """The probability of each level: that N(0, 1) is nearest to it."""
    return _intervals(levels)[1]


def level_centroids(levels: Levels) -> Float[np.ndarray, " levels"]:
    """The mean of N(0, 1) where it is nearest to each level."""
    return _intervals(levels)[2]


def _intervals(levels: Levels) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Edges of the intervals that are nearest to each level, their probabilities, and the source's mean in each."""
    from scipy.special import ndtr

    edges = np.concatenate([[-np.inf], (levels[:-1] + levels[1:]) / 2, [np.inf]])
    lower, upper = edges[:-1], edges[1:]
    # On the side of the tail, where the difference of two probabilities is exact.
    weight = np.where(lower > 0, ndtr(-lower) - ndtr(-upper), ndtr(upper) - ndtr(lower))
    weight = np.maximum(weight, 1e-300)
    return edges, weight, (_density(lower) - _density(upper)) / weight


def _density(at: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.exp(-(at**2) / 2) / math.sqrt(2 * math.pi)

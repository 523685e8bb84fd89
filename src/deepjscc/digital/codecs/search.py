"""Searches over quality levels: the best coding whose bytes fit a budget, in few codings."""

import itertools
import math
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

_GUIDED = 5  # attempts that the model places; beyond them sizes are no smooth curve here, and halving is safer
_MARGIN = 0.002  # of the logarithm of the size, so that a small error of the model does not overshoot the budget


@dataclass(frozen=True)
class SizeModel:
    """Logarithm of the coded size over the level, up to an unknown constant; linear between its anchors.

    Attributes:
        levels: two or more, ascending.
        log_sizes: natural logarithm of a size in bytes at each level, strictly ascending.
    """

    levels: tuple[int, ...]
    log_sizes: tuple[float, ...]

    def log_size(self, level: int) -> float:
        """Interpolated, and beyond the anchors continued in a straight line."""
        right = min(max(bisect_right(self.levels, level), 1), len(self.levels) - 1)
        start, stop = self.levels[right - 1], self.levels[right]
        low, high = self.log_sizes[right - 1], self.log_sizes[right]
        return low + (high - low) * (level - start) / (stop - start)

    def highest(self, log_size: float) -> int:
        """The highest level (any integer) whose modelled log size is at most ``log_size``."""
        right = min(max(bisect_right(self.log_sizes, log_size), 1), len(self.levels) - 1)
        start, stop = self.levels[right - 1], self.levels[right]
        low, high = self.log_sizes[right - 1], self.log_sizes[right]
        return math.floor(start + (log_size - low) * (stop - start) / (high - low) + 1e-9)


def ascending(levels: list[int], sizes: list[int], least_slope: float = 1e-3) -> SizeModel:
    """A model through measured sizes; where they do not grow by ``least_slope`` a level they are made to."""
    log_sizes = np.log(np.maximum(sizes, 1))
    ramp = least_slope * np.array(levels)
    return SizeModel(tuple(levels), tuple((np.maximum.accumulate(log_sizes - ramp) + ramp).tolist()))


def largest_that_fits(
    attempt: Callable[[int], bytes],
    levels: range,
    counted: Callable[[bytes], int],
    max_bytes: int,
    start: int,
    model: SizeModel,
    enough: float = 1.0,
) -> bytes | None:
    """The coding of a level that fits while the next level does not, or that uses ``enough`` of the budget.

    The first attempt is at ``start``. The model, shifted to the last measured size or scaled between two, places the
    attempts that follow. Which levels are tried depends on the arguments only, so that the result does not depend on
    what was coded before.

    Args:
        attempt: codes at a level; sizes should grow with the level but for small dips.
        levels: quality levels.
        counted: bytes that count against the budget.
        max_bytes: the budget.
        start: first level tried.
        model: how the logarithm of the size grows with the level.
        enough: share of the budget at which the search stops; below 1 it also stops where by the model the next level
            does not fit.

    Returns:
        None where not even the lowest level fits.
    """
    low, high = levels.start - 1, levels.stop
    best: bytes | None = None
    measured: dict[int, float] = {}
    guess, target = start, math.log(max(max_bytes, 1)) - _MARGIN
    for turn in itertools.count():
        guess = min(max(guess, low + 1), high - 1)
        data = attempt(guess)
        size = max(1, counted(data))
        measured[guess] = math.log(size)
        if size <= max_bytes:
            low, best = guess, data
            if size >= enough * max_bytes:
                break
        else:
            high = guess
        if high - low <= 1:
            break
        if enough < 1 and guess == low:
            step = model.log_size(low + 1) - model.log_size(low)
            if measured[low] + step > target:
                break  # the next level would not fit by the model, and a coding to make sure is not worth its time
        if turn >= _GUIDED:
            guess = (low + high) // 2
        elif low in measured and high in measured and measured[high] > measured[low]:
            below, above = model.log_size(low), model.log_size(high)
            share = (target - measured[low]) / (measured[high] - measured[low])
            guess = model.highest(below + share * (above - below))
        else:
            guess = model.highest(model.log_size(guess) + target - measured[guess])
    return best

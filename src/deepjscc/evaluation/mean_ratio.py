"""Constant quality at a mean bandwidth ratio: the one PSNR that all images of a set are expected to reach with it."""

import math
from collections.abc import Sequence
from statistics import fmean

from deepjscc.errors import UsageError
from deepjscc.systems.constant_quality import ExpectedQuality

CLOSE = 0.002  # of the mean ratio asked for
WIDEST_DB = 40.0  # between the first guess and the answer
STEP_DB = 2.0  # of the first search
ROUNDS = 25


def common_psnr_db(images: Sequence[ExpectedQuality], mean_ratio: float) -> float:
    """The PSNR in dB for which the images together take a mean bandwidth ratio.

    Args:
        images: what is expected of each.
        mean_ratio: mean of their bandwidth ratios, complex channel uses per source value.

    Raises:
        UsageError: no PSNR takes so little, or one that some image does not reach.
    """

    def ratio(psnr_db: float) -> float:
        return fmean(image.about_uses(psnr_db) / image.values for image in images)

    start = fmean(image.psnr_db(max(1, round(mean_ratio * image.values))) for image in images)
    if not math.isfinite(start):
        raise UsageError(f"a mean bandwidth ratio of {mean_ratio:.4g} is too small for some of the images")
    low = high = start
    while ratio(high) < mean_ratio and high < start + WIDEST_DB:
        low, high = high, high + STEP_DB
    while ratio(low) > mean_ratio and low > start - WIDEST_DB:
        low, high = low - STEP_DB, low
    for _ in range(ROUNDS):
        below, above = ratio(low), ratio(high)
        share = min(max(math.log(mean_ratio / below) / max(math.log(above / below), 1e-9), 0.02), 0.98)
        middle = low + share * (high - low)
        found = ratio(middle)
        if abs(found / mean_ratio - 1) < CLOSE:
            return middle
        low, high = (middle, high) if found < mean_ratio else (low, middle)
    return low

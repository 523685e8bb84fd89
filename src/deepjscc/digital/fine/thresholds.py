"""Block error rate of the 5G LDPC code over binary-input Gaussian noise, for any rate and length, from measured points.

Both ends of a link derive their plan from these functions, so the arithmetic is that of IEEE doubles without
transcendental functions, on stored or rounded numbers: it gives the same result on every machine.
"""

import csv
import hashlib
import math
from bisect import bisect_right
from functools import cache
from pathlib import Path
from statistics import NormalDist

from deepjscc.digital.fine.information import bicm_curve

TABLE = Path(__file__).parent / "thresholds.csv"
MAX_RATE = 0.93
_NORMAL = NormalDist()


def interpolate(x: float, xs: list[float], ys: list[float]) -> float:
    """Piecewise linear interpolation, constant beyond the ends.

    Args:
        x: where.
        xs: of the points, rising.
        ys: of the points.
    """
    index = bisect_right(xs, x)
    if index == 0 or index == len(xs):
        return ys[max(index - 1, 0)]
    part = (x - xs[index - 1]) / (xs[index] - xs[index - 1])
    return ys[index - 1] + part * (ys[index] - ys[index - 1])


def rough_log2(value: float) -> float:
    """Binary logarithm, linear between the powers of two: exact arithmetic, an axis to interpolate on."""
    mantissa, exponent = math.frexp(value)
    return exponent + 2 * mantissa - 2


@cache
def _deviates() -> list[float]:
    return [round(-_NORMAL.inv_cdf(2.0**-power), 6) for power in range(1, 41)]


def deviate(error_rate: float) -> float:
    """Normal deviate that a standard normal variable exceeds with a probability, from above by at most 0.03.

    Args:
        error_rate: between 0 and 1/2; below 2^-40 it is taken as that.
    """
    mantissa, exponent = math.frexp(min(max(error_rate, 2.0**-40), 0.5))
    if mantissa == 0.5:  # a power of two
        return _deviates()[-exponent]
    return interpolate(2 * mantissa - 1, [0.0, 1.0], [_deviates()[-exponent], _deviates()[-exponent - 1]])


@cache
def _curve() -> tuple[list[float], list[float]]:
    snr_db, information = bicm_curve((1.0,))
    return [round(float(one), 6) for one in snr_db], [round(float(one), 6) for one in information]


def limit_db(rate: float) -> float:
    """SNR in dB at which the mutual information of a binary antipodal symbol is a code rate: its Shannon limit.

    Args:
        rate: between 0 and 1.
    """
    snr_db, information = _curve()
    return interpolate(rate, information, snr_db)


@cache
def _table() -> tuple[list[float], list[tuple[list[float], list[float]]], list[float]]:
    """Rates, for each the lengths and their gaps to the limit, and for each the width at one coded bit."""
    with TABLE.open(newline="") as file:
        rows = [tuple(map(float, cells)) for cells in list(csv.reader(file))[1:]]
    rates = sorted({row[0] for row in rows})
    gaps, widths = [], []
    for rate in rates:
        mine = sorted(row[1:] for row in rows if row[0] == rate)
        lengths = [rough_log2(length) for length, _, _ in mine]
        gaps.append((lengths, [centre - limit_db(rate) for _, centre, _ in mine]))
        widths.append(sum(width * math.sqrt(length / rate) for length, _, width in mine) / len(mine))
    return rates, gaps, widths


def threshold(rate: float, block_bits: int) -> tuple[float, float]:
    """Centre and width in dB of the waterfall of a code: its block error rate is ``Q((snr_db - centre) / width)``.

    The gap between centre and Shannon limit is interpolated over rate and length, the width over the rate; it
    falls with the root of the coded bits.

    Args:
        rate: information bits, CRC included, per coded bit.
        block_bits: information bits of a block, CRC included.
    """
    rates, gaps, widths = _table()
    length = rough_log2(float(block_bits))
    gap = interpolate(rate, rates, [interpolate(length, *one) for one in gaps])
    return limit_db(rate) + gap, interpolate(rate, rates, widths) / math.sqrt(block_bits / rate)


@cache
def table_hash() -> str:
    """First digits of the SHA-256 of the table of thresholds: what a curve drawn from it depends on."""
    return hashlib.sha256(TABLE.read_bytes()).hexdigest()[:12]


def block_error_rate(rate: float, block_bits: int, snr_db: float) -> float:
    """Block error rate at one SNR.

    Args:
        rate: information bits, CRC included, per coded bit.
        block_bits: information bits of a block, CRC included.
        snr_db: of a binary symbol with the mutual information of the channel.
    """
    centre, width = threshold(rate, block_bits)
    return _NORMAL.cdf((centre - snr_db) / width)

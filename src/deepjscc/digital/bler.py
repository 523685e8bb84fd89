"""Block error rates: the table measured by Monte Carlo, and what it says between and beyond its points."""

import hashlib
import math
from collections import Counter
from functools import cache
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import polars as pl

from deepjscc.digital.schemes import Scheme
from deepjscc.errors import DeepJSCCError

TABLE = Path(__file__).parent / "bler.parquet"
SCHEMA: dict[str, Any] = {
    "channel": pl.String,  # awgn, or fast_rayleigh with CSI at the receiver
    "scheme": pl.String,
    "block_bits": pl.Int64,  # coded
    "snr_db": pl.Float64,  # P / N0 of the symbols
    "blocks": pl.Int64,  # sent
    "errors": pl.Int64,  # whose CRC was wrong, or whose message was
    "iterations": pl.Int64,  # of belief propagation, at most
}
MIN_ERRORS = 5  # fewer say too little: such a point is left to extrapolation
LOWEST = 1e-6  # no claim below: error floors of these codes begin somewhere under it
_NORMAL = NormalDist()


def confidence(errors: int, blocks: int, level: float = 0.95) -> tuple[float, float]:
    """The confidence interval of an error rate (Wilson 1927), which holds for few errors and for none.

    >>> [round(end, 4) for end in confidence(0, 100)]
    [0.0, 0.037]
    """
    z = _NORMAL.inv_cdf((1 + level) / 2)
    rate, weight = errors / blocks, z * z / blocks
    centre = (rate + weight / 2) / (1 + weight)
    half = z / (1 + weight) * math.sqrt(rate * (1 - rate) / blocks + weight / (4 * blocks))
    return max(0.0, centre - half), min(1.0, centre + half)


class Waterfall:
    """Block error rate of one scheme and block length over the SNR.

    Between points, and beyond them, the normal deviate of the error rate is a straight line in the SNR in dB: the form
    that finite-length scaling gives both optimal codes (Polyanskiy et al. 2010, eq. 1) and iterative decoding of LDPC
    codes (Amraoui et al. 2009). Beyond the points the slope is that of a fit to all of them.

    Args:
        snr_db: of the points, rising.
        blocks: sent at each.
        errors: at each.

    Raises:
        DeepJSCCError: fewer than two points that say anything.
    """

    def __init__(self, snr_db: np.ndarray, blocks: np.ndarray, errors: np.ndarray) -> None:
        telling = (errors >= MIN_ERRORS) & (blocks - errors >= MIN_ERRORS)
        if telling.sum() < 2:
            raise DeepJSCCError("a waterfall needs two points with errors and without; simulate more of them")
        self.snr_db, rate = snr_db[telling], errors[telling] / blocks[telling]
        self.deviate = np.array([-_NORMAL.inv_cdf(one) for one in rate])
        # Weight: how well the deviate of a rate is known, from the binomial variance of the rate.
        weight = np.array([_NORMAL.pdf(one) for one in self.deviate]) / np.sqrt(rate * (1 - rate) / blocks[telling])
        self.slope = float(np.polyfit(self.snr_db, self.deviate, 1, w=weight)[0])

    def error_rate(self, snr_db: float) -> float:
        """Return the block error rate at one SNR, at least :data:`LOWEST`."""
        if snr_db < self.snr_db[0]:
            deviate = self.deviate[0] - self.slope * (self.snr_db[0] - snr_db)
        elif snr_db > self.snr_db[-1]:
            deviate = self.deviate[-1] + self.slope * (snr_db - self.snr_db[-1])
        else:
            deviate = np.interp(snr_db, self.snr_db, self.deviate)
        return max(_NORMAL.cdf(-float(deviate)), LOWEST)


@cache
def waterfall(channel: str, scheme: str, block_bits: int) -> Waterfall | None:
    """A waterfall of the table that comes with the package; None where it has none.

    Raises:
        DeepJSCCError: the table is missing or broken, or has too few points of this one.
    """
    mine = (pl.col("channel") == channel) & (pl.col("scheme") == scheme) & (pl.col("block_bits") == block_bits)
    points = _table().filter(mine).sort("snr_db")
    if not len(points):
        return None
    return Waterfall(*(points[name].to_numpy() for name in ("snr_db", "blocks", "errors")))


@cache
def _table() -> pl.DataFrame:
    return read_bler(TABLE)


@cache
def table_hash() -> str:
    """First digits of the SHA-256 of the table: what a curve drawn from it depends on."""
    return hashlib.sha256(TABLE.read_bytes()).hexdigest()[:12] if TABLE.is_file() else ""


def read_bler(table: Path) -> pl.DataFrame:
    """A table of block error rates.

    Raises:
        DeepJSCCError: missing, or of another form.
    """
    try:
        return pl.read_parquet(table).select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())
    except FileNotFoundError:
        raise DeepJSCCError(f"{table}: no such table; `deepjscc bler -o {table}` makes one") from None
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DeepJSCCError(f"{table}: not a table of block error rates: {str(error).splitlines()[0]}") from None


def arrival_probability(channel: str, scheme: Scheme, blocks: list[int], snr_db: float) -> float:
    """Probability that all blocks arrive: the product over them of one minus their error rate; 0 without a block.

    Raises:
        DeepJSCCError: a block that the table does not have.
    """
    if not blocks:
        return 0.0
    arrives = 1.0
    for block_bits, count in Counter(blocks).items():
        measured = waterfall(channel, scheme.name, block_bits)
        if measured is None:
            raise DeepJSCCError(
                f"no block error rates of {scheme.name} with {block_bits} coded bits over {channel}; simulate every "
                "bit (--simulate), or add them to the table with `deepjscc bler`"
            )
        arrives *= (1 - measured.error_rate(snr_db)) ** count
    return arrives

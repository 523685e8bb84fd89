"""What the analog layer will bring before the base is coded: an average over photographs, interpolated in a table.

A table holds the logarithm of the error that is left over the error of the base alone, by quality of the base, real
channel uses a pixel value and SNR. It is smooth in all three, so that a planner may search over it.
"""

import math
from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from deepjscc.models.residual_code.levels import QUALITIES

RATES = (1 / 64, 1 / 16, 1 / 8, 1 / 4, 1 / 2)  # real channel uses a pixel value
SNRS_DB = (-15.0, -7.5, 0.0, 7.5, 15.0)
WIDTH = 3.0  # of the Gaussian window over qualities that smooths the table, in steps of 1.5 dB
Table = Float[Tensor, "qualities rates snrs"]


def points() -> Iterator[tuple[int, int, float, float]]:
    """Indices, rate and linear SNR of every column of the table."""
    for row, rate in enumerate(RATES):
        for column, snr_db in enumerate(SNRS_DB):
            yield row, column, rate, 10 ** (snr_db / 10)


def smooth(measured: Float[Tensor, "pairs rates snrs"], qualities: list[int]) -> Table:
    """The table from what single images showed.

    Args:
        measured: logarithm of the error over the base's.
        qualities: of the base of each image.
    """
    distance = torch.arange(QUALITIES)[:, None] - torch.tensor(qualities)
    nearest = distance.abs().amin(1, keepdim=True)  # where no image is near, the nearest ones count
    weight = torch.exp((nearest.square() - distance.square()).double() / (2 * WIDTH**2))
    return torch.einsum("qp,prs->qrs", weight / weight.sum(1, keepdim=True), measured.double()).float()


def ratio_at(table: Table, quality: float, rate: float, snr: float) -> float:
    """Error over the base's, linear between the table's points in the logarithms of all; the ends hold outside.

    Below the lowest rate it goes to 1, the base alone, in proportion to the rate.
    """
    if rate <= 0 or snr <= 0:
        return 1.0
    share = min(1.0, rate / RATES[0])
    row, right = _between([math.log2(known) for known in RATES], math.log2(rate))
    column, down = _between(list(SNRS_DB), 10 * math.log10(snr))
    index, deep = _between([float(known) for known in range(QUALITIES)], quality)
    value = 0.0
    for i, deeper in ((0, 1 - deep), (1, deep)):
        for j, wider in ((0, 1 - right), (1, right)):
            for k, lower in ((0, 1 - down), (1, down)):
                value += deeper * wider * lower * float(table[index + i, row + j, column + k])
    return math.exp(share * value)


def _between(known: list[float], value: float) -> tuple[int, float]:
    """Index of the point below and the share of the way to the next."""
    index = min(max(sum(point <= value for point in known) - 1, 0), len(known) - 2)
    return index, min(max((value - known[index]) / (known[index + 1] - known[index]), 0.0), 1.0)

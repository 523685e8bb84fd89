"""Block error rates of the 5G LDPC code over binary-input Gaussian noise by Monte Carlo, and lines through them."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import torch

from deepjscc.digital.fine.crc import append_crc, crc_length
from deepjscc.digital.fine.decoder import layered_decoder
from deepjscc.digital.fine.information import binary_snr_db
from deepjscc.seeds import generator

_NORMAL = NormalDist()
BATCH_BITS = 1_600_000  # coded bits simulated at once


@dataclass(frozen=True)
class Point:
    """Block errors counted at one SNR.

    Attributes:
        rate: information bits, CRC included, per coded bit.
        block_bits: information bits of a block, CRC included.
        snr_db: squared amplitude over noise variance of a binary symbol.
        blocks: sent.
        errors: not decoded, or decoded to something else.
    """

    rate: float
    block_bits: int
    snr_db: float
    blocks: int
    errors: int


def crc_of(block_bits: int, code_blocks: int = 1) -> str:
    """Name of the CRC of a code block (3GPP TS 38.212, sec. 5.2.2 and 7.2.1).

    Args:
        block_bits: of the block, CRC included.
        code_blocks: of the message.
    """
    return "CRC24B" if code_blocks > 1 else "CRC16" if block_bits <= 3824 + 16 else "CRC24A"


@torch.no_grad()
def count_errors(
    rate: float, block_bits: int, snr_db: float, *, blocks: int, errors: int, graph: int | None = None
) -> Point:
    """Send random blocks until there are enough of them or enough errors.

    Args:
        rate: code rate.
        block_bits: information bits of a block, CRC included.
        snr_db: of a binary symbol.
        blocks: at most.
        errors: enough.
        graph: base graph, or None for that of the standard.
    """
    coded_bits, name = math.ceil(block_bits / rate), crc_of(block_bits)
    decoder = layered_decoder(block_bits, coded_bits, 1, graph, name)
    noise, sent, wrong = 10 ** (-snr_db / 20), 0, 0
    batch = max(8, min(BATCH_BITS // coded_bits, blocks))
    while sent < blocks and wrong < errors:
        draws = generator("waterfalls", rate, block_bits, snr_db, sent)
        messages = torch.randint(0, 2, (batch, block_bits - crc_length(name)), generator=draws, dtype=torch.uint8)
        information = append_crc(name, messages)
        coded = decoder.code.encode(information)
        received = 1 - 2 * coded.float() + noise * torch.randn(coded.shape, generator=draws)
        decoded, right = decoder.decode(received * (2 / noise**2))
        wrong += int((~right | (decoded != information).any(1)).sum())
        sent += batch
    return Point(rate, block_bits, snr_db, sent, wrong)


def measure(
    rate: float, block_bits: int, *, blocks: int, errors: int, target: float, graph: int | None = None
) -> list[Point]:
    """Points of one waterfall, from most blocks lost down to a block error rate.

    Args:
        rate: code rate.
        block_bits: information bits of a block, CRC included.
        blocks: at most, for a point.
        errors: enough, for a point.
        target: block error rate at which to end.
        graph: base graph, or None for that of the standard.
    """
    step = min(0.7, max(0.05, 12 / math.sqrt(block_bits / rate)))
    start = binary_snr_db(rate) + (0.2 if block_bits > 3000 else 0.0)
    snr_db, points = float(np.ceil(start / step) * step), list[Point]()
    while not points or points[-1].errors > target * points[-1].blocks:
        snr_db = round(snr_db + step, 4)
        scout = count_errors(rate, block_bits, snr_db, blocks=32, errors=32, graph=graph)
        if scout.errors < 0.7 * scout.blocks:
            points.append(count_errors(rate, block_bits, snr_db, blocks=blocks, errors=errors, graph=graph))
    return points


def fit(points: list[Point]) -> tuple[dict[int, float], float]:
    """Centres and width of the waterfalls of one code rate.

    The error rate of a block of N coded bits is taken to be ``Q((snr_db - centre) sqrt(N) / width)``, with a centre for
    each length and one width for the rate: the form of finite-length scaling (Amraoui et al. 2009). It is fitted to
    the normal deviates of the counts by least squares, weighted by how well each is known; half an error is added to
    each count, so that a point without errors counts as well.

    Args:
        points: of one rate, at least two.

    Returns:
        Centre in dB by block length, and the width in dB times the root of a coded bit.
    """
    rates = np.array([(one.errors + 0.5) / (one.blocks + 1) for one in points])
    deviates = np.array([-_NORMAL.inv_cdf(rate) for rate in rates])
    spread = np.sqrt(rates * (1 - rates) / [one.blocks for one in points])
    weights = np.array([_NORMAL.pdf(one) for one in deviates]) / spread
    roots = np.array([math.sqrt(math.ceil(one.block_bits / one.rate)) for one in points])
    lengths = sorted({one.block_bits for one in points})
    design = np.zeros((len(points), 1 + len(lengths)))
    design[:, 0] = roots * [one.snr_db for one in points]
    for row, one in enumerate(points):
        design[row, 1 + lengths.index(one.block_bits)] = -roots[row]
    solution = np.linalg.lstsq(design * weights[:, None], deviates * weights, rcond=None)[0]
    return {length: float(one / solution[0]) for length, one in zip(lengths, solution[1:], strict=True)}, float(
        1 / solution[0]
    )

"""Chooses modulation, code rate and code blocks for any number of channel uses and any SINR."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from deepjscc.digital.fine.base_graphs import MAX_BLOCK_BITS, select_graph, select_lifting
from deepjscc.digital.fine.constellations import Constellation, constellations
from deepjscc.digital.fine.crc import crc_length
from deepjscc.digital.fine.information import bicm_curve, bicm_information, binary_snr_db
from deepjscc.digital.fine.shaping import SIDE_BITS, matched_bits
from deepjscc.digital.fine.thresholds import MAX_RATE, block_error_rate, deviate, interpolate, threshold
from deepjscc.digital.fine.waterfalls import crc_of
from deepjscc.errors import UsageError

STEP_DB = 0.1  # of the design SINR that the receiver is told
LOWEST_INDEX, HIGHEST_INDEX = -200, 450
MIN_MESSAGE_BITS = 8


@dataclass(frozen=True)
class CodePlan:
    """The coding and modulation of one message; both ends derive it from uses, index and error rate.

    Attributes:
        uses: complex channel uses, all of which are used.
        index: design SINR in steps of :data:`STEP_DB`.
        error_rate: probability of losing the message that was planned for.
        modulation: constellation of all symbols.
        code_blocks: how many blocks of equal length the message is split into.
        block_bits: information bits of each, CRC included.
    """

    uses: int
    index: int
    error_rate: float
    modulation: Constellation
    code_blocks: int
    block_bits: int

    @property
    def crc_name(self) -> str:
        """CRC at the end of each code block."""
        return crc_of(self.block_bits, self.code_blocks)

    @property
    def shaped(self) -> bool:
        """Whether amplitudes are shaped by their probabilities."""
        return self.modulation.weights is not None

    @property
    def matched_bits(self) -> int:
        """Bits of the message that the amplitudes carry by distribution matching; 0 without it."""
        return matched_bits(2 * self.uses, self.modulation.weights) if self.modulation.weights is not None else 0

    def plain_bits(self, uses: int) -> int:
        """Information bits of a code block that are neither labels of amplitudes nor its CRC.

        Args:
            uses: channel uses of the block.
        """
        labels = 2 * uses * (self.modulation.bits_per_axis - 1) if self.shaped else 0
        return self.block_bits - crc_length(self.crc_name) - labels

    @property
    def message_bits(self) -> int:
        """Bits of the message, neither CRCs nor side information of the distribution matcher counted."""
        least, longer = divmod(self.uses, self.code_blocks)
        plain = longer * self.plain_bits(least + 1) + (self.code_blocks - longer) * self.plain_bits(least)
        return plain + self.matched_bits - (SIDE_BITS if self.shaped else 0)

    @property
    def design_sinr_db(self) -> float:
        """SINR planned for, in dB."""
        return self.index * STEP_DB

    @property
    def rate(self) -> float:
        """Code rate of the shortest code block: information bits, CRC included, per coded bit."""
        return self.block_bits / (self.uses // self.code_blocks * self.modulation.bits_per_symbol)

    @property
    def graph(self) -> int:
        """Base graph of all code blocks; shaping needs that of which fewer information bits are punctured."""
        return 1 if self.shaped else select_graph(self.block_bits, self.rate)

    @property
    def punctured_bits(self) -> int:
        """Information bits at the start of each code block that are not sent."""
        return 2 * select_lifting(self.block_bits, self.graph)

    def block_uses(self, block: int) -> slice:
        """Channel uses of a code block: the blocks take turns, so that each meets all conditions of the channel.

        Args:
            block: its number.
        """
        return slice(block, self.uses, self.code_blocks)


def sinr_index(sinr_db: float) -> int:
    """The number that tells the receiver for which SINR was planned: steps of 0.1 dB, rounded down.

    Args:
        sinr_db: SINR at the receiver, in dB.

    Returns:
        From -200 to 450; SINRs beyond are taken as these.
    """
    if math.isnan(sinr_db):
        raise UsageError("the SINR to plan for is not a number")
    return math.floor(min(max(sinr_db / STEP_DB + 1e-6, LOWEST_INDEX), HIGHEST_INDEX))


def plan_code(uses: int, sinr_db: float, error_rate: float = 0.01) -> CodePlan:
    """The plan that carries most bits such that the message arrives with a given probability.

    Args:
        uses: complex channel uses.
        sinr_db: power over noise and interference at the receiver, in dB; rounded down to a step of 0.1 dB.
        error_rate: probability of losing the message.

    Raises:
        UsageError: too few uses for the shortest message at this SINR.
    """
    return plan_from_index(uses, sinr_index(sinr_db), error_rate)


@lru_cache(maxsize=4096)
def plan_from_index(uses: int, index: int, error_rate: float = 0.01) -> CodePlan:
    """The same plan as the receiver derives it.

    Args:
        uses: complex channel uses.
        index: of :func:`sinr_index`.
        error_rate: probability of losing the message.

    Raises:
        UsageError: too few uses for the shortest message at this SINR.
    """
    best: CodePlan | None = None
    for modulation in constellations(index * STEP_DB):
        search = _most_bits if modulation.weights is None else _most_shaped_bits
        plan = search(uses, index, error_rate, modulation)
        if plan is not None and (best is None or plan.message_bits > best.message_bits):
            best = plan
    if best is None:
        raise UsageError(
            f"{uses} channel uses at {index * STEP_DB:.1f} dB do not carry a message of {MIN_MESSAGE_BITS} bits"
        )
    return best


def _most_bits(uses: int, index: int, error_rate: float, modulation: Constellation) -> CodePlan | None:
    """The longest message with one constellation, by bisection."""
    equivalent_db = _equivalent_db(modulation, index * STEP_DB)
    fitting, too_many = None, max(2, uses * modulation.bits_per_symbol)
    least = MIN_MESSAGE_BITS
    while least < too_many:
        bits = (least + too_many) // 2
        plan = _split(uses, index, error_rate, modulation, bits)
        if plan is not None and _holds(plan, equivalent_db):
            fitting, least = plan, bits + 1
        else:
            too_many = bits
    return fitting


def _split(uses: int, index: int, error_rate: float, modulation: Constellation, bits: int) -> CodePlan | None:
    """Code blocks for at least so many message bits; None where they do not fit."""
    longest = MAX_BLOCK_BITS[1] - crc_length("CRC24A")
    coded_bits = uses * modulation.bits_per_symbol
    if bits > MAX_BLOCK_BITS[2] - crc_length("CRC24A") and bits <= 0.25 * coded_bits:
        longest = MAX_BLOCK_BITS[2] - crc_length("CRC24A")
    code_blocks = -(-bits // longest)
    if code_blocks > uses:
        return None
    share = -(-bits // code_blocks)
    crc_name = crc_of(share + crc_length("CRC16"), code_blocks)
    plan = CodePlan(uses, index, error_rate, modulation, code_blocks, share + crc_length(crc_name))
    return plan if plan.rate <= MAX_RATE and plan.block_bits <= MAX_BLOCK_BITS[plan.graph] else None


def _most_shaped_bits(uses: int, index: int, error_rate: float, modulation: Constellation) -> CodePlan | None:
    """The longest message with amplitudes of unequal probability: the largest blocks, and as few of them as do."""
    equivalent_db, best = _equivalent_db(modulation, index * STEP_DB), None
    code_blocks = -(-uses * modulation.bits_per_symbol // MAX_BLOCK_BITS[1])
    for _ in range(4):
        shortest = uses // code_blocks * modulation.bits_per_symbol
        fitting, least, too_many = None, 1, min(MAX_BLOCK_BITS[1], math.floor(MAX_RATE * shortest)) + 1
        while least < too_many:
            bits = (least + too_many) // 2
            plan = CodePlan(uses, index, error_rate, modulation, code_blocks, bits)
            if _holds(plan, equivalent_db):
                fitting, least = plan, bits + 1
            else:
                too_many = bits
        if fitting is None or not _has_room(fitting):
            break
        if best is None or fitting.message_bits > best.message_bits:
            best = fitting
        fewer = -(-math.floor(uses * modulation.bits_per_symbol * fitting.rate) // MAX_BLOCK_BITS[1])
        if fewer >= code_blocks:
            break
        code_blocks = fewer
    return best


def _has_room(plan: CodePlan) -> bool:
    """Whether all labels of amplitudes are among the bits sent, and plain bits for the side information."""
    if plan.block_bits < 292:
        return False
    longest = -(-plan.uses // plan.code_blocks)
    return (
        plan.plain_bits(longest) >= plan.punctured_bits
        and plan.code_blocks * plan.plain_bits(longest) >= SIDE_BITS
        and plan.matched_bits > 0
    )


def _holds(plan: CodePlan, equivalent_db: float) -> bool:
    """Return whether the message arrives with the probability asked for."""
    centre, width = threshold(plan.rate, plan.block_bits)
    return equivalent_db >= centre + width * deviate(plan.error_rate / plan.code_blocks)


def _equivalent_db(modulation: Constellation, sinr_db: float) -> float:
    """SNR of binary symbols with as much information a bit, from the stored numbers."""
    if modulation.design_snr_db is None:
        return sinr_db  # an axis of QPSK is a binary symbol
    design = modulation.design_snr_db
    return interpolate(sinr_db, [design - 0.5, float(design), design + 0.5], list(modulation.equivalent_snr_db))


def error_probability(plan: CodePlan, sinr_db: float | np.ndarray) -> float:
    """Probability that a message is lost, by the measured block error rates.

    Args:
        plan: of the message.
        sinr_db: SINR at the receiver in dB, or that of every symbol: then the mutual information of a coded bit is
            averaged over them, which all code blocks meet alike.
    """
    sinr_db = np.asarray(sinr_db, dtype=float)
    levels, weights = plan.modulation.levels, plan.modulation.weights
    if sinr_db.ndim:
        equivalent_db = binary_snr_db(float(np.interp(sinr_db, *bicm_curve(levels, weights)).mean()))
    elif plan.modulation.design_snr_db is None:
        equivalent_db = float(sinr_db)
    else:
        equivalent_db = binary_snr_db(bicm_information(np.array(levels), float(sinr_db), weights))
    lost = block_error_rate(plan.rate, plan.block_bits, equivalent_db)
    return -math.expm1(plan.code_blocks * math.log1p(-min(lost, 1 - 1e-12)))

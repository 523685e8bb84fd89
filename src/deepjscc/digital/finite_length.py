"""What any code of a given length can carry: the normal approximation, between capacity and the codes one builds."""

import math
from dataclasses import dataclass
from statistics import NormalDist

from deepjscc.channels import AWGN, Channel
from deepjscc.digital.coding import Passage, planned_snr_db
from deepjscc.digital.ldpc import LDPC, SURE, blocks_of, faded_snr_db
from deepjscc.errors import UsageError
from deepjscc.types import SnrDb

NOISELESS_DB = 300.0  # stands for no noise: 100 bits a use


def normal_approximation(uses: int, error_rate: float, snr_db: float) -> float:
    """Bits per complex use of the best code of a length over AWGN (Polyanskiy, Poor, Verdú 2010, eqs. 1 and 293).

    ``C - sqrt(V/n) Q^-1(e) + log2(n)/2n``, ``V = (1 - 1/(1+s)^2) log2(e)^2`` the dispersion of a complex use at SNR s.

    Args:
        uses: n.
        error_rate: e, of the block.
        snr_db: P / N0.

    >>> round(normal_approximation(1000, 1e-3, 0.0), 3)
    0.883
    """
    snr = 10 ** (min(snr_db, NOISELESS_DB) / 10)
    capacity = math.log2(1 + snr)
    dispersion = (1 - 1 / (1 + snr) ** 2) * math.log2(math.e) ** 2
    backoff = math.sqrt(dispersion / uses) * -NormalDist().inv_cdf(error_rate)
    return max(0.0, capacity - backoff + math.log2(uses) / (2 * uses))


@dataclass(frozen=True)
class FiniteLength:
    """The best code of the length of :class:`LDPC`'s blocks, at the same probability that the picture arrives.

    Attributes:
        plan_snr_db: plan for this SNR whatever the transmitter believes.
    """

    plan_snr_db: float | None = None

    def bits(self, uses: int, channel: Channel, encoder_snr_db: SnrDb) -> list[int]:
        """Of all blocks together; each has as many uses as a block of the scheme that LDPC would choose.

        Raises:
            UsageError: a channel that is neither AWGN nor slow fading.
        """
        if not (isinstance(channel, AWGN) or channel.coherence == "image"):
            raise UsageError("the normal approximation is known here for AWGN and slow fading alone")
        return [_bits(uses, channel, snr_db) for snr_db in planned_snr_db(self.plan_snr_db, encoder_snr_db).tolist()]

    def carry(self, messages: list[bytes | None], over: Passage) -> list[bytes | None]:
        """Everything, down to the SNR planned for; see :meth:`deepjscc.digital.coding.Coding.carry`."""
        planned = planned_snr_db(self.plan_snr_db, over.encoder_snr_db)
        there = faded_snr_db(over.snr_db, over.gain) >= planned - 1e-6
        return [message if arrives else None for message, arrives in zip(messages, there.tolist(), strict=True)]


def _bits(uses: int, channel: Channel, snr_db: float) -> int:
    scheme = LDPC().choose(uses, channel, snr_db)
    blocks = blocks_of(scheme, uses)
    lost = 1 - SURE ** (1 / len(blocks))
    lengths = [block_bits // scheme.bits_per_symbol for block_bits in blocks]
    return sum(math.floor(length * normal_approximation(length, lost, snr_db)) for length in lengths)

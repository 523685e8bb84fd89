"""The normal approximation: the rate that codes of a given length can reach, between capacity and real codes."""

import math
from dataclasses import dataclass
from statistics import NormalDist

from torch import Tensor

from deepjscc.channels import AWGN, Channel
from deepjscc.digital.coding import sinr_db
from deepjscc.digital.ldpc import LDPC, SURE, blocks_of
from deepjscc.errors import UsageError
from deepjscc.types import LayerChannel, Symbols

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
        design_snr_db: plan for this SNR whatever the transmitter believes.
    """

    design_snr_db: float | None = None

    def plan(self, uses: int, channel: Channel, design_snr_db: float, analog_share: float = 0.0) -> "PlannedBound":
        """Plan as many uses a block as a block of the scheme that LDPC would choose has.

        Raises:
            UsageError: a channel that is neither AWGN nor slow fading.
        """
        if not (isinstance(channel, AWGN) or channel.coherence == "image"):
            raise UsageError("the normal approximation is known here for AWGN and slow fading alone")
        snr_db = sinr_db(design_snr_db if self.design_snr_db is None else self.design_snr_db, analog_share)
        return PlannedBound(uses, snr_db, _bits(uses, channel, snr_db))


@dataclass(frozen=True)
class PlannedBound:
    """Bits that arrive down to the SNR planned for.

    Attributes:
        uses: complex channel uses.
        snr_db: of the layer, planned for.
        bits: that it carries.
    """

    uses: int
    snr_db: float
    bits: int

    @property
    def random(self) -> bool:
        """False: the SNR alone decides."""
        return False

    def uses_of(self, data: bytes) -> int:
        """See :class:`deepjscc.types.ChannelCode`."""
        return self.uses

    def arrives(self, over: LayerChannel) -> bool:
        """Compare the SNR with that planned for."""
        return over.snr_db >= self.snr_db - 1e-6

    def modulate(self, data: bytes) -> None:
        """Return None: a bound has no symbols."""
        return

    def demodulate(self, symbols: Symbols, noise_variance: Tensor, expected: bytes) -> bytes | None:
        """See :class:`deepjscc.types.ChannelCode`; never called."""
        raise NotImplementedError


def _bits(uses: int, channel: Channel, snr_db: float) -> int:
    scheme = LDPC().choose(uses, channel, snr_db)
    blocks = blocks_of(scheme, uses)
    lost = 1 - SURE ** (1 / len(blocks))
    lengths = [block_bits // scheme.bits_per_symbol for block_bits in blocks]
    return sum(math.floor(length * normal_approximation(length, lost, snr_db)) for length in lengths)

"""The channel coding `ldpc-fine`: 5G LDPC codes of any rate with shaped modulation, by measured error rates or bits."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from deepjscc.channels import Channel
from deepjscc.digital.coding import sinr_db
from deepjscc.digital.fine import CodePlan, decode, encode, error_probability, plan_from_index, sinr_index
from deepjscc.digital.fine.plan import LOWEST_INDEX, STEP_DB
from deepjscc.digital.ldpc import table_of
from deepjscc.errors import UsageError
from deepjscc.types import LayerChannel, Symbols

ERROR_RATE = 0.01  # of a picture at the SNR planned for


@dataclass(frozen=True)
class FineLDPC:
    """5G LDPC codes of any rate with shaped modulation; see :mod:`deepjscc.digital.fine`.

    The plan carries the most bits with which the layer arrives with a probability of 0.99 at the design SNR. Following
    the SNR this is an envelope (the transmitter knows the SNR); planned for one SNR it is a link with its cliff. Over
    fast fading the plan is that of a lower SNR without fading, at which the mutual information suffices.

    Attributes:
        design_snr_db: plan for this SNR whatever the transmitter believes.
        simulate: send every bit through code, channel and decoder; else whether a layer arrives is drawn with the
            probability that the measured block error rates give.
    """

    design_snr_db: float | None = None
    simulate: bool = False

    def plan(self, uses: int, channel: Channel, design_snr_db: float, analog_share: float = 0.0) -> "PlannedFineLDPC":
        """See :meth:`deepjscc.digital.coding.Coding.plan`."""
        snr_db = design_snr_db if self.design_snr_db is None else self.design_snr_db
        fast = table_of(channel) == "fast_rayleigh"
        plan = _plan(uses, sinr_index(sinr_db(snr_db, analog_share)), fast)
        return PlannedFineLDPC(uses, plan, fast, self.simulate)


@dataclass(frozen=True)
class PlannedFineLDPC:
    """The plan of `ldpc-fine` for a given number of channel uses.

    Attributes:
        uses: complex channel uses.
        code_plan: modulation, code rate and code blocks; None where the uses carry no message.
        fast: whether gains change from symbol to symbol.
        simulate: send every bit.
    """

    uses: int
    code_plan: CodePlan | None
    fast: bool = False
    simulate: bool = False

    @property
    def random(self) -> bool:
        """True: noise or the measured error rates decide."""
        return True

    @property
    def bits(self) -> int:
        """Information bits of the message."""
        return 0 if self.code_plan is None else self.code_plan.message_bits

    def uses_of(self, data: bytes) -> int:
        """See :class:`deepjscc.types.ChannelCode`."""
        return self.uses

    def arrives(self, over: LayerChannel) -> bool:
        """Draw whether the message arrives, from the measured block error rates."""
        if self.code_plan is None:
            return False
        snr_db = rayleigh_db(over.snr_db) if self.fast else over.snr_db
        return over.draw >= error_probability(self.code_plan, snr_db)

    def modulate(self, data: bytes) -> Symbols | None:
        """Code and modulate the bytes; header bytes beyond the plan do not count and are not sent."""
        if not self.simulate:
            return None
        if self.code_plan is None:
            return torch.zeros(1, self.uses, dtype=torch.complex64)
        sent = data[: self.bits // 8]
        bits = np.unpackbits(np.frombuffer(sent, dtype=np.uint8))
        return encode(torch.from_numpy(np.pad(bits, (0, self.bits - len(bits)))), self.code_plan)[None]

    def demodulate(
        self, symbols: Symbols, noise_variance: Float[Tensor, "batch uses"], expected: bytes
    ) -> bytes | None:
        """Decode the message; see :meth:`deepjscc.types.ChannelCode.demodulate`."""
        whole = self.demodulate_all(symbols, noise_variance)
        sent_bytes = min(len(expected), self.bits // 8)
        return None if whole is None else whole[:sent_bytes] + expected[sent_bytes:]

    def demodulate_all(self, symbols: Symbols, noise_variance: Float[Tensor, "batch uses"]) -> bytes | None:
        """Decode all bytes that the plan carries, whatever follows the data in them; None where a check fails."""
        if self.code_plan is None:
            return None
        decoded, arrived = decode(symbols[0], noise_variance[0], self.code_plan)
        if decoded is None or not arrived:
            return None
        return np.packbits(decoded.numpy()).tobytes()[: self.bits // 8]


@lru_cache(maxsize=4096)
def _plan(uses: int, index: int, fast: bool) -> CodePlan | None:
    """The plan for an SNR, None where no message fits."""
    try:
        if not fast:
            return plan_from_index(uses, index, ERROR_RATE)
        low, high, average = LOWEST_INDEX, index + 1, index * STEP_DB
        while high - low > 1:  # the highest SNR without fading whose plan holds over fading
            middle = (low + high) // 2
            try:
                holds = error_probability(plan_from_index(uses, middle, ERROR_RATE), rayleigh_db(average)) <= ERROR_RATE
            except UsageError:
                holds = True  # too low an SNR for any message: search above
            low, high = (middle, high) if holds else (low, middle)
        return plan_from_index(uses, low, ERROR_RATE)
    except UsageError:
        return None


def rayleigh_db(snr_db: float) -> np.ndarray:
    """SNRs in dB of equally likely Rayleigh fades at an average SNR.

    Args:
        snr_db: the average.
    """
    chances = (np.arange(256) + 0.5) / 256
    return snr_db + 10 * np.log10(-np.log(chances))

"""The channel coding `ldpc-fine` of a digital link: planned for any SINR, by its measured error rates or bit by bit."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch

from deepjscc.channels import Channel
from deepjscc.digital.coding import Passage, planned_snr_db
from deepjscc.digital.fine import CodePlan, decode, encode, error_probability, plan_from_index, sinr_index
from deepjscc.digital.fine.plan import LOWEST_INDEX, STEP_DB
from deepjscc.digital.ldpc import faded_snr_db, one_image, table_of
from deepjscc.errors import UsageError
from deepjscc.seeds import generator as seeded

ERROR_RATE = 0.01  # of a picture at the SNR planned for


@dataclass(frozen=True)
class FineLDPC:
    """5G LDPC codes of any rate with shaped modulation; see :mod:`deepjscc.digital.fine`.

    For the SNR planned for, the plan carries the most bits with which the picture arrives with a probability of 0.99.
    Following the SNR this is an envelope (the transmitter knows the SNR); planned for one SNR it is a link with its
    cliff. Over fast fading the plan is that of a lower SNR without fading, at which the mutual information suffices.

    Attributes:
        plan_snr_db: plan for this SNR whatever the transmitter believes.
        simulate: send every bit through code, channel and decoder; else whether a picture arrives is drawn with the
            probability that the measured block error rates give.
    """

    plan_snr_db: float | None = None
    simulate: bool = False

    def bits(self, uses: int, channel: Channel, encoder_snr_db: torch.Tensor) -> list[int]:
        """Bits of each image's message.

        Args:
            uses: complex channel uses of an image.
            channel: that they pass.
            encoder_snr_db: ``[batch]``, what the transmitter believes.

        Raises:
            UsageError: a channel without measured error rates.
        """
        return [0 if plan is None else plan.message_bits for plan in self._plans(uses, channel, encoder_snr_db)]

    def carry(self, messages: list[bytes | None], over: Passage) -> list[bytes | None]:
        """What arrives; see :meth:`deepjscc.digital.coding.Coding.carry`.

        Args:
            messages: of each image, None where there is none.
            over: draw of the channel.
        """
        draws = torch.rand(len(messages), generator=over.generator).tolist()
        plans = self._plans(over.uses, over.channel, over.encoder_snr_db)
        arrived: list[bytes | None] = []
        for index, (message, plan, drawn) in enumerate(zip(messages, plans, draws, strict=True)):
            if message is not None and plan is not None:
                alone = one_image(over, index, seeded("bits", drawn))
                if self.simulate:
                    message = send_bits(message, plan, alone)
                elif drawn < lost_probability(plan, alone):
                    message = None
            arrived.append(message if plan is not None else None)
        return arrived

    def _plans(self, uses: int, channel: Channel, encoder_snr_db: torch.Tensor) -> list[CodePlan | None]:
        fast = table_of(channel) == "fast_rayleigh"
        planned = planned_snr_db(self.plan_snr_db, encoder_snr_db).tolist()
        return [_plan(uses, sinr_index(snr_db), fast) for snr_db in planned]


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


def lost_probability(plan: CodePlan, over: Passage) -> float:
    """Probability that one image's message is lost.

    Args:
        plan: of the message.
        over: draw of the channel for one image.
    """
    if over.channel.coherence == "image" or over.gain is None:
        return error_probability(plan, faded_snr_db(over.snr_db, over.gain).item())
    power = over.gain[0].abs().square().clamp_min(1e-20)
    return error_probability(plan, (over.snr_db + 10 * torch.log10(power)).numpy())


def send_bits(message: bytes, plan: CodePlan, over: Passage) -> bytes | None:
    """A message through code, modulation, channel and decoder; None where it was lost.

    Args:
        message: the receiver knows its length; header bytes beyond the plan, which are not counted, arrive with it.
        plan: of the message.
        over: draw of the channel for one image.
    """
    sent_bytes = min(len(message), plan.message_bits // 8)
    data = np.unpackbits(np.frombuffer(message[:sent_bytes], dtype=np.uint8))
    bits = torch.from_numpy(np.pad(data, (0, plan.message_bits - len(data))))
    received = over.channel(encode(bits, plan)[None], over.snr_db, gain=over.gain, generator=over.generator)
    if received.gain is None and over.gain is not None:
        power = over.gain.abs().square()
        received = replace(
            received,
            symbols=received.symbols * over.gain.conj() / power,
            noise_variance=received.noise_variance / power,
        )
    decoded, arrived = decode(received.symbols[0], received.noise_variance[0], plan)
    if decoded is None or not arrived:
        return None
    return np.packbits(decoded.numpy()).tobytes()[:sent_bytes] + message[sent_bytes:]

"""Channel coding of a digital layer: from channel uses and a design SNR to a code with a known number of bits."""

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch

from deepjscc.channels import Channel
from deepjscc.errors import UsageError
from deepjscc.types import ChannelCode, IdealCode

NOISELESS_DB = 300.0  # stands for no noise where an analog layer bounds the rate
MOST_BITS_PER_USE = 1e6  # stands for the capacity of a channel without noise: all that any codec could want


@runtime_checkable
class PlannedCode(ChannelCode, Protocol):
    """A channel code of given uses.

    Attributes:
        bits: information bits that it carries.
    """

    @property
    def bits(self) -> int:
        """See above."""
        ...


@runtime_checkable
class Coding(Protocol):
    """A family of channel codes: everything between a codec's bytes and the antenna, and back."""

    def plan(self, uses: int, channel: Channel, design_snr_db: float, analog_share: float = 0.0) -> PlannedCode:
        """Choose the code for a number of channel uses and a design SNR.

        Args:
            uses: complex channel uses of the layer.
            channel: the kind of channel that the transmitter plans for.
            design_snr_db: P / N0 in dB that it plans for.
            analog_share: share of the power that a superposed analog layer has; it is noise to this layer.

        Raises:
            UsageError: too few uses for any code of the family, or a kind of channel that it does not know.
        """
        ...


@dataclass(frozen=True)
class PlannedIdealCode(IdealCode):
    """An ideal code with all the bits that its uses carry at its rate."""

    @property
    def bits(self) -> int:
        """``floor(uses · rate)``."""
        return math.floor((self.uses or 0) * self.rate)


@dataclass(frozen=True)
class Ideal:
    """Capacity-achieving coding: rate log2(1 + SNR) of the design SNR, delivered where the channel carries it.

    Over slow fading the plan is the capacity at the average SNR and a fade below it an outage; over fast fading it is
    the ergodic capacity. Beneath an analog layer with a share a of the power the rate is C(SNR) - C(a SNR): the analog
    layer is noise.

    Attributes:
        design_snr_db: plan for this SNR whatever the transmitter believes: one link of the envelope, with its cliff.
    """

    design_snr_db: float | None = None

    def plan(self, uses: int, channel: Channel, design_snr_db: float, analog_share: float = 0.0) -> PlannedIdealCode:
        """See :meth:`Coding.plan`."""
        snr_db = design_snr_db if self.design_snr_db is None else self.design_snr_db
        snr_db = min(snr_db, NOISELESS_DB) if analog_share else snr_db
        rate = float(channel.capacity(torch.tensor([snr_db], dtype=torch.float64)))
        if analog_share:
            beneath_db = snr_db + 10 * math.log10(analog_share)
            rate -= float(channel.capacity(torch.tensor([beneath_db], dtype=torch.float64)))
        return PlannedIdealCode(min(rate, MOST_BITS_PER_USE), uses)


def sinr_db(snr_db: float, analog_share: float) -> float:
    """Ratio in dB of a digital layer's power to noise and a superposed analog layer.

    Args:
        snr_db: P / N0 in dB.
        analog_share: share of the power that the analog layer has.

    >>> round(sinr_db(10.0, 0.0), 6), round(sinr_db(math.inf, 0.1), 3)
    (10.0, 9.542)
    """
    if not analog_share:
        return snr_db
    noise = 10 ** (-snr_db / 10)
    return 10 * math.log10((1 - analog_share) / (analog_share + noise))


def fit_code(coding: Coding, channel: Channel, bits: int, snr_db: float) -> PlannedCode:
    """The shortest code of a family that carries so many bits at an SNR.

    Args:
        coding: the family.
        channel: the kind of channel.
        bits: to be carried.
        snr_db: at which they must arrive.
    """
    low, high = 0, 8
    while coding.plan(high, channel, snr_db).bits < bits:
        low, high = high, 2 * high
        if high > 1 << 24:
            raise UsageError(f"no code of this kind carries {bits} bits at {snr_db:g} dB")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if coding.plan(middle, channel, snr_db).bits >= bits else (middle, high)
    return coding.plan(high, channel, snr_db)

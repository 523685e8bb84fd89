"""Channel coding of a digital link: how many bits it carries, and when they arrive."""

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch

from deepjscc.channels import Channel
from deepjscc.types import Gain, SnrDb


@dataclass(frozen=True)
class Passage:
    """One draw of the channel for a batch of images.

    Attributes:
        uses: complex uses for each image.
        channel: what they pass.
        snr_db: of the channel.
        encoder_snr_db: what the transmitter believes.
        gain: as drawn for ``uses`` symbols; the receiver knows it, whatever the channel tells learned ones.
        generator: of the noise.
    """

    uses: int
    channel: Channel
    snr_db: SnrDb
    encoder_snr_db: SnrDb
    gain: Gain | None = None
    generator: torch.Generator | None = None


@runtime_checkable
class Coding(Protocol):
    """Bytes over symbols: everything between a codec and the antenna, and back."""

    def bits(self, uses: int, channel: Channel, encoder_snr_db: SnrDb) -> list[int]:
        """Source bits that ``uses`` complex uses carry, per image, as planned by the transmitter."""
        ...

    def carry(self, messages: list[bytes | None], over: Passage) -> list[bytes | None]:
        """What of each image's message, None where there was none, arrives over this draw of the channel, or None."""
        ...


@dataclass(frozen=True)
class Ideal:
    """Capacity-achieving coding: rate log2(1 + SNR) of the SNR planned for, delivered where the channel carries it.

    Over slow fading the plan is the capacity at the average SNR and a fade below it an outage; over fast fading it is
    the ergodic capacity.

    Attributes:
        rate_snr_db: plan for this SNR whatever the transmitter believes: one link of the envelope, with its cliff.
    """

    rate_snr_db: float | None = None

    def bits(self, uses: int, channel: Channel, encoder_snr_db: SnrDb) -> list[int]:
        """``floor(uses · capacity)`` per image; all that any codec could want at infinite SNR."""
        rates = channel.capacity(planned_snr_db(self.rate_snr_db, encoder_snr_db)).tolist()
        return [math.floor(uses * min(rate, 1e6)) for rate in rates]

    def carry(self, messages: list[bytes | None], over: Passage) -> list[bytes | None]:
        """Everything, where the capacity of this draw reaches the planned rate; see :meth:`Coding.carry`."""
        planned = over.channel.capacity(planned_snr_db(self.rate_snr_db, over.encoder_snr_db))
        arrives = over.channel.capacity(over.snr_db, over.gain) >= planned * (1 - 1e-9)
        return [message if there else None for message, there in zip(messages, arrives.tolist(), strict=True)]


def planned_snr_db(fixed: float | None, encoder_snr_db: SnrDb) -> SnrDb:
    """The SNR a transmitter plans for: what it believes, or a fixed one."""
    return encoder_snr_db if fixed is None else torch.full_like(encoder_snr_db, fixed)

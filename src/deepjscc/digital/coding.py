"""Channel coding of a digital link: how many bits it carries, and when they arrive."""

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Bool
from torch import Tensor

from deepjscc.channels import Channel
from deepjscc.types import Gain, SnrDb


@runtime_checkable
class Coding(Protocol):
    """Bits over symbols."""

    def bits(self, uses: int, channel: Channel, encoder_snr_db: SnrDb) -> list[int]:
        """Source bits that ``uses`` complex uses carry, per image, as planned by the transmitter."""
        ...

    def delivers(
        self, channel: Channel, snr_db: SnrDb, gain: Gain | None, encoder_snr_db: SnrDb
    ) -> Bool[Tensor, " batch"]:
        """Which images arrive over this draw of the channel."""
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

    def _planned(self, encoder_snr_db: SnrDb) -> SnrDb:
        return encoder_snr_db if self.rate_snr_db is None else torch.full_like(encoder_snr_db, self.rate_snr_db)

    def bits(self, uses: int, channel: Channel, encoder_snr_db: SnrDb) -> list[int]:
        """``floor(uses · capacity)`` per image; all that any codec could want at infinite SNR."""
        rates = channel.capacity(self._planned(encoder_snr_db)).tolist()
        return [math.floor(uses * min(rate, 1e6)) for rate in rates]

    def delivers(
        self, channel: Channel, snr_db: SnrDb, gain: Gain | None, encoder_snr_db: SnrDb
    ) -> Bool[Tensor, " batch"]:
        """Where the capacity of this draw reaches the planned rate."""
        planned = channel.capacity(self._planned(encoder_snr_db))
        return channel.capacity(snr_db, gain) >= planned * (1 - 1e-9)

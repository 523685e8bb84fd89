"""A receiver that stopped listening early: of every image only the first symbols arrive."""

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from deepjscc.channels.base import Channel
from deepjscc.channels.output import ChannelOutput
from deepjscc.errors import UsageError
from deepjscc.types import Gain, SnrDb, Symbols


class Prefix(Channel):
    """Another channel, of which only the first ``fraction`` of the symbols arrives.

    The symbols that do not arrive have infinite noise variance.

    Args:
        channel: what the symbols pass.
        fraction: the fraction of the symbols that arrives, in (0, 1].

    Raises:
        UsageError: the fraction is not in (0, 1], or a channel on which symbols do not pass in their order.
    """

    def __init__(self, channel: Channel, fraction: float) -> None:
        super().__init__()
        if not 0 < fraction <= 1:
            raise UsageError(f"the fraction of symbols that arrive lies above 0 and up to 1, not at {fraction}")
        if not channel.in_order:
            raise UsageError("a receiver of several antennas has no first symbols; leave the stages out")
        self.channel, self.fraction = channel, fraction
        self.coherence, self.csi, self.fade_depth_db = channel.coherence, channel.csi, channel.fade_depth_db

    def pilot_uses(self, uses: int) -> int:
        """The number that the channel itself has."""
        return self.channel.pilot_uses(uses)

    def data_uses(self, uses: int) -> int:
        """The number that the channel itself has."""
        return self.channel.data_uses(uses)

    def draw_gain(self, batch: int, uses: int, generator: torch.Generator | None = None) -> Gain | None:
        """The gain that the channel itself draws."""
        return self.channel.draw_gain(batch, uses, generator)

    def forward(
        self, symbols: Symbols, snr_db: SnrDb, *, gain: Gain | None = None, generator: torch.Generator | None = None
    ) -> ChannelOutput:
        """Pass all symbols, with the same draws, and forget the later ones."""
        output = self.channel(symbols, snr_db, gain=gain, generator=generator)
        later = torch.arange(symbols.shape[1], device=symbols.device) >= round(self.fraction * symbols.shape[1])
        return replace(
            output,
            symbols=output.symbols.masked_fill(later, 0),
            noise_variance=output.noise_variance.masked_fill(later, torch.inf),
        )

    def capacity(self, snr_db: SnrDb, gain: Gain | None = None) -> Float[Tensor, " batch"]:
        """The capacity of the channel while symbols arrive."""
        return self.channel.capacity(snr_db, gain)

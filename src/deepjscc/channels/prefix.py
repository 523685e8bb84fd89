"""A receiver that stopped listening early: of every image only the first symbols arrive."""

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from deepjscc.channels.base import Channel
from deepjscc.errors import UsageError
from deepjscc.types import Gain, Received, SnrDb, Symbols


class Prefix(Channel):
    """Another channel of which only the first ``share`` of the symbols is heard; the rest has infinite noise variance.

    Args:
        channel: what the symbols pass.
        share: of the symbols that is heard, in (0, 1].

    Raises:
        UsageError: no such share.
    """

    def __init__(self, channel: Channel, share: float) -> None:
        super().__init__()
        if not 0 < share <= 1:
            raise UsageError(f"a share of the symbols lies above 0 and up to 1, not at {share}")
        self.channel, self.share = channel, share
        self.coherence, self.csi, self.fade_depth_db = channel.coherence, channel.csi, channel.fade_depth_db

    def pilot_uses(self, uses: int) -> int:
        """Those of the channel."""
        return self.channel.pilot_uses(uses)

    def data_uses(self, uses: int) -> int:
        """Those of the channel."""
        return self.channel.data_uses(uses)

    def draw_gain(self, batch: int, uses: int, generator: torch.Generator | None = None) -> Gain | None:
        """That of the channel."""
        return self.channel.draw_gain(batch, uses, generator)

    def forward(
        self, symbols: Symbols, snr_db: SnrDb, *, gain: Gain | None = None, generator: torch.Generator | None = None
    ) -> Received:
        """Pass all symbols, with the same draws, and forget the later ones."""
        received = self.channel(symbols, snr_db, gain=gain, generator=generator)
        later = torch.arange(symbols.shape[1], device=symbols.device) >= round(self.share * symbols.shape[1])
        return replace(
            received,
            symbols=received.symbols.masked_fill(later, 0),
            noise_variance=received.noise_variance.masked_fill(later, torch.inf),
        )

    def capacity(self, snr_db: SnrDb, gain: Gain | None = None) -> Float[Tensor, " batch"]:
        """That of the channel while it is heard."""
        return self.channel.capacity(snr_db, gain)

"""The learned link: a deep JSCC model on both sides of a channel."""

from dataclasses import replace

import torch
from jaxtyping import Bool
from torch import Tensor, nn

from deepjscc.channels import Channel
from deepjscc.models import JSCC
from deepjscc.symbols import SIDE_INFO_RATE, side_info_uses
from deepjscc.types import Gain, Images, SnrDb, Transmission


class Link(nn.Module):
    """Image, encoder, symbols, channel, decoder, image.

    Args:
        model: the encoder and decoder.
        channel: between them.
        bandwidth_ratio: complex channel uses per source value, side information included; None takes the model's own.
    """

    def __init__(self, model: JSCC, channel: Channel, *, bandwidth_ratio: float | None = None) -> None:
        super().__init__()
        self.model, self.channel, self.bandwidth_ratio = model, channel, bandwidth_ratio

    def transmit(
        self,
        images: Images,
        snr_db: SnrDb,
        *,
        encoder_snr_db: SnrDb | None = None,
        generator: torch.Generator | None = None,
    ) -> Transmission:
        """Send a batch of images; see :class:`deepjscc.systems.base.System`. A learned link always delivers.

        Side information is taken to be ideally coded at 1/8 bit a use: where the channel (this fade) carries less,
        it is lost and the decoder is told so.

        Raises:
            UsageError: a bandwidth ratio the model does not make.
        """
        believed = snr_db if encoder_snr_db is None else encoder_snr_db
        sent = self.model.encode(images, believed, bandwidth_ratio=self.bandwidth_ratio)
        gain = self.channel.draw_gain(len(images), sent.symbols.shape[1], generator)
        received = self.channel(sent.symbols, snr_db, gain=gain, generator=generator)
        arrived = side_info_arrives(self.channel, snr_db, gain)
        side_info = tuple(side if ok else None for side, ok in zip(sent.side_info, arrived.tolist(), strict=True))
        size = (images.shape[-2], images.shape[-1])
        decoded = self.model.decode(replace(received, side_info=side_info), size)
        uses = [sent.symbols.shape[1] + side_info_uses(side) for side in sent.side_info]
        return Transmission(decoded, torch.tensor(uses), torch.ones(len(images), dtype=torch.bool))


def side_info_arrives(channel: Channel, snr_db: SnrDb, gain: Gain | None) -> Bool[Tensor, " batch"]:
    """Whether the channel, as drawn, carries the rate of the side information, ideally coded."""
    return channel.capacity(snr_db, gain) >= SIDE_INFO_RATE

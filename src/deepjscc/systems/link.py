"""The learned link: a deep JSCC model on both sides of a channel."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import nn

from deepjscc.channels import Channel
from deepjscc.errors import UsageError
from deepjscc.models import JSCC
from deepjscc.symbols import channel_uses
from deepjscc.types import Encoded, Gain, Images, Received, Size, SnrDb, Transmission


class Link(nn.Module):
    """Image, encoder, symbols, channel, decoder, image.

    Args:
        model: the encoder and decoder.
        channel: between them.
        bandwidth_ratio: complex channel uses per source value, side information and pilots included; None takes the
            model's own (and pilots on top).

    >>> from deepjscc.channels import AWGN
    >>> from deepjscc.zoo import load
    >>> link = Link(load("cnn-c16-awgn-10db"), AWGN())
    >>> images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    >>> sent = link.transmit(images, torch.tensor([10.0, 20.0]), generator=torch.Generator().manual_seed(1))
    >>> sent.images.shape, sent.channel_uses.tolist()
    (torch.Size([2, 3, 32, 32]), [512, 512])
    """

    def __init__(self, model: JSCC, channel: Channel, *, bandwidth_ratio: float | None = None) -> None:
        super().__init__()
        self.model, self.channel, self.bandwidth_ratio = model, channel, bandwidth_ratio

    @property
    def trained(self) -> JSCC:
        """What training changes and a checkpoint holds."""
        return self.model

    def transmit(
        self,
        images: Images,
        snr_db: SnrDb,
        *,
        encoder_snr_db: SnrDb | None = None,
        generator: torch.Generator | None = None,
    ) -> Transmission:
        """Send a batch of images; see :class:`deepjscc.systems.base.System`. A learned link always delivers.

        Side information is taken to be ideally coded: where the channel (this fade) carries less than its rate, it is
        lost and the decoder is told so.

        Raises:
            UsageError: a bandwidth ratio the model does not make.
        """
        link, model = self, self.model.drawn(generator) if self.model.training else self.model
        if model is not self.model:
            link = Link(model, self.channel, bandwidth_ratio=self.bandwidth_ratio)
        sent = link.encode(images, snr_db if encoder_snr_db is None else encoder_snr_db)
        return link.deliver(sent, (images.shape[-2], images.shape[-1]), snr_db, generator)

    def encode(self, images: Images, encoder_snr_db: SnrDb) -> Encoded:
        """The transmitter's half of :meth:`transmit`: what is handed to the radio.

        Raises:
            UsageError: a bandwidth ratio the model does not make.
        """
        size = (images.shape[-2], images.shape[-1])
        return self.model.encode(
            images,
            encoder_snr_db,
            bandwidth_ratio=ratio_beside_pilots(self.channel, size, self.bandwidth_ratio),
            side_info_snr_db=encoder_snr_db - self.channel.margin_db,
        )

    def deliver(
        self, sent: Encoded, size: Size, snr_db: SnrDb, generator: torch.Generator | None = None
    ) -> Transmission:
        """The rest of :meth:`transmit`: channel and receiver, of images of ``size`` = (height, width)."""
        return self.receive(pass_through(self.channel, sent, snr_db, generator), sent.uses(), size)

    def receive(self, received: Received, uses: Sequence[int], size: Size) -> Transmission:
        """The receiver's part: images, with ``uses`` the channel uses that were spent on each, before pilots."""
        decoded = self.model.decode(received, size)
        spent = torch.tensor([count + self.channel.pilot_uses(count) for count in uses])
        return Transmission(decoded, spent, torch.ones(len(uses), dtype=torch.bool))


def ratio_beside_pilots(channel: Channel, size: Size, bandwidth_ratio: float | None) -> float | None:
    """What of a bandwidth ratio a channel's pilots leave for the symbols of an image of this size; None stays None.

    Raises:
        UsageError: nothing is left.
    """
    if bandwidth_ratio is None:
        return None
    uses = channel_uses(size, bandwidth_ratio)
    left = channel.data_uses(uses)
    if left == uses:
        return bandwidth_ratio
    if not left:
        raise UsageError(f"bandwidth ratio {bandwidth_ratio:.4g} leaves nothing beside the pilots; take more")
    return left / (3 * size[0] * size[1])


def pass_through(
    channel: Channel,
    sent: Encoded,
    snr_db: SnrDb,
    generator: torch.Generator | None = None,
    *,
    gain: Gain | None = None,
) -> Received:
    """What a receiver gets of an encoder's output: symbols through the channel, and with them side information.

    Of side information those parts arrive whose rate the channel, as drawn, carries ideally coded. A gain that was
    drawn before holds here too.
    """
    if gain is None:
        gain = channel.draw_gain(len(sent.symbols), sent.symbols.shape[1], generator)
    received = channel(sent.symbols, snr_db, gain=gain, generator=generator)
    arrived = tuple(
        tuple(part.data if part.rate <= bits else None for part in parts)
        for parts, bits in zip(sent.side_info, channel.capacity(snr_db, gain).tolist(), strict=True)
    )
    return replace(received, side_info=arrived, counts=sent.counts)

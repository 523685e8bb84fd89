"""The digital link: source codec, channel coding, channel; separation as it is built, with its outage."""

import torch

from deepjscc.channels import Channel
from deepjscc.digital import Codec, Coding, Ideal
from deepjscc.digital.coding import Passage
from deepjscc.images import to_8bit, to_float
from deepjscc.symbols import channel_uses
from deepjscc.types import Images, SnrDb, Transmission


class DigitalLink:
    """Image, bytes, bits over the channel, image; or the mean colour where the bits do not arrive.

    Args:
        codec: the source codec.
        channel: between the antennas.
        bandwidth_ratio: complex channel uses per source value, pilots included: they carry no bits.
        coding: the channel code; ideal (at capacity) by default.

    >>> from deepjscc.channels import AWGN
    >>> from deepjscc.digital import CODECS
    >>> link = DigitalLink(CODECS["jpeg2000"](), AWGN(), bandwidth_ratio=1 / 6)
    >>> sent = link.transmit(torch.full((1, 3, 64, 64), 0.5), torch.tensor([0.0]))
    >>> sent.delivered.tolist(), sent.channel_uses.tolist()
    ([True], [2048])
    """

    def __init__(self, codec: Codec, channel: Channel, *, bandwidth_ratio: float, coding: Coding | None = None) -> None:
        self.codec, self.channel, self.bandwidth_ratio = codec, channel, bandwidth_ratio
        self.coding = coding if coding is not None else Ideal()

    def transmit(
        self,
        images: Images,
        snr_db: SnrDb,
        *,
        encoder_snr_db: SnrDb | None = None,
        generator: torch.Generator | None = None,
    ) -> Transmission:
        """Send a batch of images; see :class:`deepjscc.systems.base.System`.

        An image is not delivered when the codec finds no coding within the bits (outage by rate) or the channel does
        not carry them (outage by the channel); it then is its per-channel mean, as if the receiver knew that.
        """
        believed = snr_db if encoder_snr_db is None else encoder_snr_db
        uses = self.channel.data_uses(channel_uses((images.shape[-2], images.shape[-1]), self.bandwidth_ratio))
        gain = self.channel.draw_gain(len(images), uses, generator=generator)
        bits = self.coding.bits(uses, self.channel, believed)
        messages = [self.codec.encode(image, budget // 8) for image, budget in zip(to_8bit(images), bits, strict=True)]
        arrived = self.coding.carry(messages, Passage(uses, self.channel, snr_db, believed, gain, generator))
        decoded = [
            mean_image(image) if data is None else to_float(self.codec.decode(data))[0].to(images.device)
            for image, data in zip(images, arrived, strict=True)
        ]
        delivered = torch.tensor([data is not None for data in arrived])
        spent = uses + self.channel.pilot_uses(uses)
        return Transmission(torch.stack(decoded), torch.full((len(images),), spent), delivered)


def mean_image(image: torch.Tensor) -> torch.Tensor:
    """The per-channel mean colour of an image ``[3, height, width]``: what is shown on outage."""
    return image.mean((1, 2), keepdim=True).expand_as(image)

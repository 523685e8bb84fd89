"""The digital transmitter and receiver: separate source and channel coding, with its outage."""

import torch

from deepjscc.channels import Channel
from deepjscc.digital import Codec, Coding, Ideal
from deepjscc.errors import UsageError
from deepjscc.images import to_8bit, to_float
from deepjscc.symbols import channel_uses
from deepjscc.types import Decoded, DigitalLayer, Encoded, Image8, Images, LinkPlan, Received, Size

PICTURE = "picture"  # name of the one layer


class Digital:
    """Encodes an image to bytes, which are one digital layer, and decodes the bytes if they arrive.

    Args:
        codec: the source codec.
        channel: the kind of channel that the transmitter plans for.
        coding: the channel code; the default is an ideal one, at capacity.

    >>> from deepjscc.channels import AWGN
    >>> from deepjscc.digital import CODECS
    >>> from deepjscc.systems import Link
    >>> link = Link(Digital(CODECS["jpeg2000"](), AWGN()), AWGN(), bandwidth_ratio=1 / 6)
    >>> sent = link.transmit(torch.full((1, 3, 64, 64), 0.5), torch.tensor([0.0]))
    >>> sent.delivered.tolist(), sent.channel_uses.tolist()
    ([True], [2048])
    """

    encoder_uses_snr = True

    def __init__(self, codec: Codec, channel: Channel, coding: Coding | None = None) -> None:
        self.codec, self.channel = codec, channel
        self.coding: Coding = coding if coding is not None else Ideal()

    def encode(self, images: Images, plan: LinkPlan) -> Encoded:
        """Code each image in as many bytes as the planned channel code carries.

        If the codec cannot encode an image within these bytes, its layer has no data, and the image is an outage.

        Raises:
            UsageError: no bandwidth ratio, which a digital link does not have of its own.
        """
        if plan.bandwidth_ratio is None:
            raise UsageError("a digital link has no bandwidth ratio of its own; give one, such as 1/12")
        uses = channel_uses((images.shape[-2], images.shape[-1]), plan.bandwidth_ratio)
        layers = []
        for image, snr_db in zip(to_8bit(images), plan.design_snr_db.tolist(), strict=True):
            code = self.coding.plan(uses, self.channel, snr_db)
            layers.append((DigitalLayer(self.codec.encode(image, code.bits // 8), code, name=PICTURE),))
        return Encoded(torch.zeros(len(images), 0, dtype=torch.complex64), tuple(layers))

    def receive(self, received: Received, size: Size) -> Decoded:
        """Decode each image whose layer arrived; the others are outages and not delivered."""
        grey = torch.full((3, *size), 128, dtype=torch.uint8)
        pictures: list[Image8] = []
        for (data,) in received.digital:
            pictures.append(grey if data is None else self.codec.decode(data))
        delivered = torch.tensor([data is not None for (data,) in received.digital])
        return Decoded(to_float(torch.stack(pictures)).to(received.symbols.device), delivered)

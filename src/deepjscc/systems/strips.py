"""Large pictures in bounded memory: pixels strip by strip, only the symbols held as a whole."""

import torch
from PIL import Image

from deepjscc.errors import UsageError
from deepjscc.images import from_picture, pad_to_multiple, to_float, to_picture
from deepjscc.models.linear import Linear
from deepjscc.systems.link import Link, pass_through, ratio_beside_pilots
from deepjscc.types import Images, Size, SnrDb


@torch.no_grad()
def transmit_strips(
    link: Link,
    picture: Image.Image,
    snr_db: SnrDb,
    *,
    encoder_snr_db: SnrDb | None = None,
    generator: torch.Generator | None = None,
) -> tuple[Image.Image, int]:
    """Send an 8-bit RGB Pillow picture with the result of :meth:`Link.transmit`.

    Args:
        link: a model that works on blocks: `linear` or `universal`.
        picture: what to send.
        snr_db: of the channel, a batch of one.
        encoder_snr_db: what the transmitter believes; None: the channel's.
        generator: as in :meth:`Link.transmit`, with the same draws.

    Returns:
        The picture at the far end and the complex channel uses spent.

    Raises:
        UsageError: another model.
    """
    model, channel = link.model, link.channel
    if not isinstance(model, Linear):
        raise UsageError("a picture this large goes only by linear or universal; scale it down")
    believed = snr_db if encoder_snr_db is None else encoder_snr_db
    size = (picture.height, picture.width)
    sent = model.encode_rows(
        PictureRows(picture, model.stride),
        believed,
        bandwidth_ratio=ratio_beside_pilots(channel, size, link.bandwidth_ratio),
        side_info_snr_db=believed - channel.margin_db,
    )
    received = pass_through(channel, sent, snr_db, generator)
    result, top = Image.new("RGB", picture.size), 0
    for strip in model.decode_rows(received, size):
        # Pasting past the edge is cut off there, which takes the padding away.
        result.paste(to_picture(strip[0]), (0, top))
        top += strip.shape[2]
    uses = sent.uses()[0]
    return result, uses + channel.pilot_uses(uses)


class PictureRows:
    """Rows of an 8-bit picture, made floats only where they are worked on; see :class:`deepjscc.models.rows.Rows`."""

    def __init__(self, picture: Image.Image, block: int) -> None:
        self.picture, self.block = picture, block
        self.size: Size = (picture.height, picture.width)

    def strip(self, top: int, bottom: int) -> Images:
        """Rows ``top`` to ``bottom``."""
        box = (0, top, self.picture.width, min(bottom, self.picture.height))
        return pad_to_multiple(to_float(from_picture(self.picture.crop(box))), self.block)

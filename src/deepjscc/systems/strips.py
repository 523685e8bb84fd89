"""Large pictures in bounded memory: pixels strip by strip, only the symbols held as a whole."""

import torch
from PIL import Image

from deepjscc.images import from_picture, pad_to_multiple, to_float, to_picture
from deepjscc.systems.link import Link
from deepjscc.types import Images, Size, SnrDb


@torch.no_grad()
def transmit_picture(
    link: Link,
    picture: Image.Image,
    snr_db: SnrDb,
    *,
    encoder_snr_db: SnrDb | None = None,
    generator: torch.Generator | None = None,
) -> tuple[Image.Image, int]:
    """Send an 8-bit RGB Pillow picture strip by strip, with the result of :meth:`Link.transmit`.

    Args:
        link: with a model that supports tiles: `linear` or `universal`.
        picture: what to send.
        snr_db: P / N0 of the channel in dB, ``[1]``.
        encoder_snr_db: design SNR in dB; None: the channel's.
        generator: as in :meth:`Link.transmit`, with the same draws.

    Returns:
        The picture at the far end and the complex channel uses spent.

    Raises:
        UsageError: another model.
    """
    rows = PictureRows(picture, getattr(link.transmitter, "stride", 1))
    strips, uses = link.transmit_rows(rows, snr_db, encoder_snr_db=encoder_snr_db, generator=generator)
    result, top = Image.new("RGB", picture.size), 0
    for strip in strips:
        # Pasting past the edge is cut off there, which takes the padding away.
        result.paste(to_picture(strip[0]), (0, top))
        top += strip.shape[2]
    return result, uses


class PictureRows:
    """Rows of an 8-bit picture, made floats only where they are worked on.

    See :class:`deepjscc.models.block_code.tiling.Rows`.
    """

    def __init__(self, picture: Image.Image, block: int) -> None:
        self.picture, self.block = picture, block
        self.size: Size = (picture.height, picture.width)

    def strip(self, top: int, bottom: int) -> Images:
        """Rows ``top`` to ``bottom``."""
        box = (0, top, self.picture.width, min(bottom, self.picture.height))
        return pad_to_multiple(to_float(from_picture(self.picture.crop(box))), self.block)

"""Transmission of large pictures strip by strip; only the symbols are held in memory as a whole."""

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
        link: a link whose model supports tiles: `linear` or `universal`.
        picture: the picture to send.
        snr_db: P / N0 of the channel in dB, ``[1]``.
        encoder_snr_db: design SNR in dB, ``[1]``; None takes the channel's SNR.
        generator: random generator of gains and noise, as in :meth:`Link.transmit`.

    Returns:
        The received picture and the number of complex channel uses.

    Raises:
        UsageError: the model does not support tiles.
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
    """Rows of an 8-bit picture, which are converted to floats strip by strip.

    See :class:`deepjscc.models.block_code.tiling.Rows`.
    """

    def __init__(self, picture: Image.Image, block: int) -> None:
        self.picture, self.block = picture, block
        self.size: Size = (picture.height, picture.width)

    def strip(self, top: int, bottom: int) -> Images:
        """Rows ``top`` to ``bottom``."""
        box = (0, top, self.picture.width, min(bottom, self.picture.height))
        return pad_to_multiple(to_float(from_picture(self.picture.crop(box))), self.block)

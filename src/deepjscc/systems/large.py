"""Transmission of large pictures in bounded memory, strip by strip or tile by tile as the system supports it."""

import torch
from PIL import Image

from deepjscc.systems.base import System
from deepjscc.systems.link import Link
from deepjscc.systems.strips import transmit_picture
from deepjscc.systems.tiles import TiledTransmission, transmit_tiles
from deepjscc.types import SnrDb


def transmit_large(
    system: System,
    picture: Image.Image,
    snr_db: SnrDb,
    *,
    encoder_snr_db: SnrDb | None = None,
    generator: torch.Generator | None = None,
) -> TiledTransmission | None:
    """Send an 8-bit RGB Pillow picture piece by piece.

    Args:
        system: any system.
        picture: the picture to send.
        snr_db: P / N0 of the channel in dB, ``[1]``.
        encoder_snr_db: design SNR in dB, ``[1]``; None takes the channel's SNR.
        generator: random generator of gains and noise.

    Returns:
        The received picture and its cost; None if the system can only send whole images.
    """
    if not isinstance(system, Link):
        return None
    if not system.supports_tiles:
        return transmit_tiles(system, picture, snr_db, encoder_snr_db=encoder_snr_db, generator=generator)
    result, uses = transmit_picture(system, picture, snr_db, encoder_snr_db=encoder_snr_db, generator=generator)
    return TiledTransmission(result, uses, delivered=True, layers=None)

"""Large pictures in bounded memory, by whichever way a system has: strip by strip or tile by tile."""

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
        system: any.
        picture: what to send.
        snr_db: P / N0 of the channel in dB, ``[1]``.
        encoder_snr_db: design SNR in dB; None: the channel's.
        generator: of gains and noise.

    Returns:
        What came of it; None of a system that only takes whole images.
    """
    if not isinstance(system, Link):
        return None
    if not system.supports_tiles:
        return transmit_tiles(system, picture, snr_db, encoder_snr_db=encoder_snr_db, generator=generator)
    result, uses = transmit_picture(system, picture, snr_db, encoder_snr_db=encoder_snr_db, generator=generator)
    return TiledTransmission(result, uses, delivered=True, layers=None)

"""Images in one batch, each with draws of its own: what comes out of one is the same alone or in any company."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from deepjscc.systems.base import System
from deepjscc.systems.link import Link, pass_through
from deepjscc.types import Encoded, Images, Received, SnrDb, Transmission


def transmit_in_company(
    system: System,
    images: Images,
    snr_db: SnrDb,
    generators: Sequence[torch.Generator],
    *,
    encoder_snr_db: SnrDb | None = None,
) -> Transmission:
    """Send images together, each over gains and noise from its own generator, as :meth:`System.transmit` would alone.

    A learned link encodes and decodes them as one batch; any other system takes them one by one.

    Args:
        system: to send by; of a progressive one, all stages.
        images: all of one size.
        snr_db: of the channel, per image.
        generators: one an image.
        encoder_snr_db: what the transmitter believes; None: the channel's SNR.
    """
    believed = snr_db if encoder_snr_db is None else encoder_snr_db
    each = range(len(images))
    if type(system) is not Link:
        alone = [
            system.transmit(images[i, None], snr_db[i, None], encoder_snr_db=believed[i, None], generator=generators[i])
            for i in each
        ]
        return Transmission(
            torch.cat([one.images for one in alone]),
            torch.cat([one.channel_uses for one in alone]),
            torch.cat([one.delivered for one in alone]),
        )
    sent = system.encode(images, believed)
    arrived = [pass_through(system.channel, _alone(sent, i), snr_db[i, None], generators[i]) for i in each]
    return system.receive(_together(arrived), sent.uses(), (images.shape[-2], images.shape[-1]))


def _alone(sent: Encoded, index: int) -> Encoded:
    """One image of a batch, without the padding of its row."""
    count = sent.counts[index] if sent.counts else sent.symbols.shape[1]
    return Encoded(sent.symbols[index, None, :count], (sent.side_info[index],), (count,) if sent.counts else ())


def _together(arrived: Sequence[Received]) -> Received:
    """Single images as one batch: rows filled up with what was not received."""
    longest = max(one.symbols.shape[1] for one in arrived)

    def rows(tensors: Sequence[Tensor], filling: float) -> Tensor:
        return torch.cat([F.pad(one, (0, longest - one.shape[1]), value=filling) for one in tensors])

    gains = [one.gain for one in arrived if one.gain is not None]
    slow = bool(gains) and gains[0].shape[1] == 1
    return Received(
        symbols=rows([one.symbols for one in arrived], 0.0),
        noise_variance=rows([one.noise_variance for one in arrived], torch.inf),
        gain=None if not gains else torch.cat(gains) if slow else rows(gains, 1.0),
        snr_db=torch.cat([one.snr_db for one in arrived]),
        side_info=tuple(one.side_info[0] for one in arrived),
        counts=tuple(one.counts[0] for one in arrived) if arrived[0].counts else (),
    )

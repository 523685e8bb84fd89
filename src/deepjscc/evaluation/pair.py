"""The transmission of one pair of pictures through one system, as `send-pair` shows it."""

import time

import torch
from PIL import Image

from deepjscc.data.pairs import as_pair
from deepjscc.evaluation.single import Outcome, outcome
from deepjscc.images import from_picture
from deepjscc.systems.names import NamedSystem

SnrsDb = tuple[float, float]  # of the left and the right link


@torch.no_grad()
def send_pair(
    left: Image.Image,
    right: Image.Image,
    system: NamedSystem,
    snr_db: SnrsDb,
    *,
    encoder_snr_db: SnrsDb | None = None,
    seed: int = 0,
    with_structure: bool = True,
) -> tuple[Outcome, Outcome]:
    """Send two 8-bit RGB pictures of one scene, each over its own channel, to one receiver.

    Args:
        left, right: the pictures, of the same size.
        system: a distributed model decodes them together; any other decodes each alone.
        snr_db: SNRs of the two links in dB.
        encoder_snr_db: design SNRs of the two transmitters in dB; None takes the channels' SNRs.
        seed: seed of gains and noise; equal seeds give every system the same gains and noise.
        with_structure: whether to measure SSIM and MS-SSIM too.

    Raises:
        UsageError: pictures of different sizes.
    """
    images = as_pair(from_picture(left), from_picture(right), "left and right").float()[None] / 255
    snr, believed = torch.tensor([snr_db]), torch.tensor([encoder_snr_db or snr_db])
    clock = time.perf_counter()
    draws = torch.Generator().manual_seed(seed)
    sent = system.system.transmit(images, snr, encoder_snr_db=believed, generator=draws)
    seconds = (time.perf_counter() - clock) / 2
    ours, theirs = (
        outcome(
            system.name,
            snr_db[view],
            int(sent.channel_uses[0, view]),
            bool(sent.delivered[0, view]),
            seconds,
            images[:, view],
            sent.images[:, view],
            with_structure,
        )
        for view in range(2)
    )
    return ours, theirs

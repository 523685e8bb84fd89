"""What evaluation, training, the command line and the page know of a system: `transmit`."""

from typing import Protocol, runtime_checkable

import torch

from deepjscc.types import Images, SnrDb, Transmission


@runtime_checkable
class System(Protocol):
    """Learned and digital links look alike from above."""

    def transmit(
        self,
        images: Images,
        snr_db: SnrDb,
        *,
        encoder_snr_db: SnrDb | None = None,
        generator: torch.Generator | None = None,
    ) -> Transmission:
        """Send a batch of images.

        Args:
            images: values in [0, 1], all of one size.
            snr_db: of the channel, per image.
            encoder_snr_db: what the transmitter believes; None means it knows the channel's nominal SNR.
            generator: source of the gains, then the noise: two systems given equal generators meet the same gains.
        """
        ...


@runtime_checkable
class PairSystem(Protocol):
    """Two cameras, one receiver."""

    def transmit(
        self,
        images: torch.Tensor,
        snr_db: torch.Tensor,
        *,
        encoder_snr_db: torch.Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Transmission:
        """Send pairs: images ``[batch, 2, 3, height, width]``, one SNR a camera ``[batch, 2]``."""
        ...

"""The interfaces of a system, of a transmitter and of a receiver, which are all that other packages know of them."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import torch

from deepjscc.types import Decoded, Encoded, Images, LinkPlan, Pairs, Received, Size, SnrDb, Transmission

Draws = torch.Generator | Sequence[torch.Generator] | None
"""The random generator of gains and noise: one for a batch, or one for each image, so that the result of an image does
not depend on the others in its batch."""


@runtime_checkable
class System(Protocol):
    """Everything between an image and the image at the far end: learned, digital and hybrid systems alike.

    Attributes:
        supports_split: whether :meth:`encode` followed by :meth:`deliver` is the same as :meth:`transmit`. It is not
            where the transmitter has feedback from the receiver.
        encoder_uses_snr: whether the transmitted symbols depend on the design SNR.
        supports_tiles: whether large images can be sent strip by strip.
        supports_prefix: whether any prefix of the symbols decodes to a coarser image.
    """

    @property
    def supports_split(self) -> bool:
        """See above."""
        ...

    @property
    def encoder_uses_snr(self) -> bool:
        """See above."""
        ...

    @property
    def supports_tiles(self) -> bool:
        """See above."""
        ...

    @property
    def supports_prefix(self) -> bool:
        """See above."""
        ...

    def transmit(
        self,
        images: Images | Pairs,
        snr_db: torch.Tensor,
        *,
        encoder_snr_db: torch.Tensor | None = None,
        generator: Draws = None,
    ) -> Transmission:
        """Send a batch of images, or of pairs with a views axis.

        Args:
            images: values in [0, 1], ``[batch, 3, height, width]``, or ``[batch, 2, 3, height, width]``.
            snr_db: P / N0 of the channel in dB, ``[batch]``; of pairs one for each view, ``[batch, 2]``.
            encoder_snr_db: design SNR in dB, of the same shape; None: the transmitter knows the channel's SNR.
            generator: source of the gains, then of the noise: two systems given equal generators meet equal gains.

        Returns:
            Reconstructions and costs, with a views axis where the images have one.
        """
        ...

    def encode(self, images: Images, design_snr_db: SnrDb) -> Encoded:
        """The transmitter's half of :meth:`transmit`."""
        ...

    def deliver(self, encoded: Encoded, images: Images, snr_db: SnrDb, generator: Draws = None) -> Transmission:
        """Channel and receiver: the rest of :meth:`transmit`."""
        ...


@runtime_checkable
class Transmitter(Protocol):
    """Encodes images to layers."""

    def encode(self, images: Images, plan: LinkPlan) -> Encoded:
        """Encode a batch of images as the plan says.

        Raises:
            UsageError: the transmitter does not support the bandwidth ratio.
        """
        ...


@runtime_checkable
class Receiver(Protocol):
    """Decodes received layers to images."""

    def receive(self, received: Received, size: Size) -> Decoded:
        """Decode a batch of images of ``size`` = (height, width)."""
        ...

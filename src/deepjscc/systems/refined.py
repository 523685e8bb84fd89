"""A learned link with a diffusion model behind it, a refiner, which trades PSNR and time for perceptual quality."""

from dataclasses import replace

import torch
from torch import nn

from deepjscc.models.diffusion import Diffusion
from deepjscc.systems.base import Draws
from deepjscc.systems.link import Link
from deepjscc.types import Encoded, Images, SnrDb, Transmission


class Refined(nn.Module):
    """A link whose receiver replaces each decoded picture by a sample of a conditional diffusion model.

    Args:
        link: any learned link; its weights stay fixed.
        refiner: the diffusion model, trained on the decoded pictures of this link.
        steps: number of sampling steps.
    """

    supports_split, supports_tiles, supports_prefix = True, False, False

    def __init__(self, link: Link, refiner: Diffusion, steps: int = 10) -> None:
        super().__init__()
        self.link, self.refiner, self.steps = link.requires_grad_(False), refiner, steps

    @property
    def model(self) -> Diffusion:
        """The diffusion model, which training changes and a checkpoint holds."""
        return self.refiner

    @property
    def encoder_uses_snr(self) -> bool:
        """See :class:`deepjscc.systems.base.System`."""
        return self.link.encoder_uses_snr

    def transmit(
        self,
        images: Images,
        snr_db: SnrDb,
        *,
        encoder_snr_db: SnrDb | None = None,
        generator: Draws = None,
    ) -> Transmission:
        """Send a batch of images; see :meth:`deepjscc.systems.base.System.transmit`.

        The diffusion model is conditioned on the nominal SNR of the channel.
        """
        first = self.link.transmit(images, snr_db, encoder_snr_db=encoder_snr_db, generator=generator)
        return self._refine(first, snr_db, generator)

    def encode(self, images: Images, design_snr_db: SnrDb) -> Encoded:
        """See :meth:`deepjscc.systems.base.System.encode`."""
        return self.link.encode(images, design_snr_db)

    def deliver(self, encoded: Encoded, images: Images, snr_db: SnrDb, generator: Draws = None) -> Transmission:
        """See :meth:`deepjscc.systems.base.System.deliver`."""
        return self._refine(self.link.deliver(encoded, images, snr_db, generator), snr_db, generator)

    def _refine(self, first: Transmission, snr_db: SnrDb, generator: Draws) -> Transmission:
        images, snr_db = first.images.to(self.link.device), snr_db.to(self.link.device)
        if isinstance(generator, torch.Generator) or generator is None:
            refined = self.refiner.refine(images, snr_db, self.steps, generator)
        else:
            each = zip(images.split(1), snr_db.split(1), generator, strict=True)
            refined = torch.cat([self.refiner.refine(image, snr, self.steps, own) for image, snr, own in each])
        return replace(first, images=refined.to(first.images.device), refinements=(), refinement_uses=())

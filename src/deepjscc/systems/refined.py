"""A learned link with a diffusion stage behind it: a dial between error, looks and time."""

from dataclasses import replace

import torch
from torch import nn

from deepjscc.models.diffusion import Diffusion
from deepjscc.systems.link import Link
from deepjscc.types import Images, SnrDb, Transmission


class Refined(nn.Module):
    """What a link delivers, drawn anew by a diffusion model given it.

    Args:
        link: any learned link; as it is, not trained further.
        stage: trained for its pictures.
        steps: of sampling.
    """

    def __init__(self, link: Link, stage: Diffusion, steps: int = 10) -> None:
        super().__init__()
        self.link, self.stage, self.steps = link.requires_grad_(False), stage, steps

    @property
    def trained(self) -> Diffusion:
        """What training changes and a checkpoint holds."""
        return self.stage

    def transmit(
        self,
        images: Images,
        snr_db: SnrDb,
        *,
        encoder_snr_db: SnrDb | None = None,
        generator: torch.Generator | None = None,
    ) -> Transmission:
        """Send a batch of images; see :class:`deepjscc.systems.base.System`. The stage is told the nominal SNR."""
        first = self.link.transmit(images, snr_db, encoder_snr_db=encoder_snr_db, generator=generator)
        refined = self.stage.refine(first.images, snr_db, self.steps, generator)
        return replace(first, images=refined, refinements=(), refinement_uses=())

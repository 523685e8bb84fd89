"""What a step minimises: the loss of a transmission, or that of a stage which refines what a link delivers."""

import torch
from torch import Tensor, nn

from deepjscc.channels import Channel
from deepjscc.models import JSCC
from deepjscc.models.diffusion import Diffusion
from deepjscc.systems import Link, make_link
from deepjscc.systems.refined import Refined
from deepjscc.training.losses import LOSSES
from deepjscc.types import Images, SnrDb


class TransmissionLoss(nn.Module):
    """One transmission and its loss: what is wrapped for several processes, cast and compiled.

    Args:
        model: to train.
        loss: name of :data:`LOSSES`; of a progressive system the mean over its stages.
    """

    def __init__(self, model: JSCC, loss: str) -> None:
        super().__init__()
        self.model, self.loss = model, loss

    def forward(
        self, images: Images, snr_db: SnrDb, draws: torch.Generator, channel: Channel, bandwidth_ratio: float | None
    ) -> Tensor:
        """The loss of a batch over a channel."""
        link = make_link(self.model, channel, bandwidth_ratio=bandwidth_ratio)
        sent = link.transmit(images, snr_db, generator=draws)
        losses = [LOSSES[self.loss](images, stage) for stage in sent.refinements or (sent.images,)]
        return torch.stack(losses).mean() + self.model.penalty(images, snr_db)


class RefinementLoss(nn.Module):
    """One transmission by one of several links, drawn, and the loss of the stage on what it delivered.

    Args:
        stage: to train.
        links: models of the links, as they are.
    """

    def __init__(self, stage: Diffusion, links: list[JSCC]) -> None:
        super().__init__()
        self.stage, self.links = stage, [link.eval().requires_grad_(False) for link in links]

    def forward(
        self, images: Images, snr_db: SnrDb, draws: torch.Generator, channel: Channel, bandwidth_ratio: float | None
    ) -> Tensor:
        """The loss of a batch over a channel."""
        model = self.links[int(torch.randint(len(self.links), (), generator=draws))].to(images.device)
        link = make_link(model, channel, bandwidth_ratio=bandwidth_ratio)
        with torch.no_grad():
            first = link.transmit(images, snr_db, generator=draws).images
        return self.stage.loss(images, first, snr_db, draws)


def make_objective(link: Link | Refined, loss: str, links: list[JSCC]) -> nn.Module:
    """What to minimise to train a link, or a stage behind one."""
    if isinstance(link, Refined):
        return RefinementLoss(link.stage, links)
    return TransmissionLoss(link.model, loss)

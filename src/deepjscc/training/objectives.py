"""The objectives of training: the loss of a transmission, or that of a refiner behind a link."""

import torch
from torch import Tensor, nn

from deepjscc.channels import Channel
from deepjscc.digital.finite_constellation import FiniteConstellation
from deepjscc.errors import UsageError
from deepjscc.models import JSCC
from deepjscc.models.diffusion import Diffusion
from deepjscc.models.training_hooks import training_penalty
from deepjscc.systems import Link, make_link
from deepjscc.systems.refined import Refined
from deepjscc.training.losses import LOSSES
from deepjscc.types import Images, Pairs, PairSnrDb, SnrDb

BESIDE = 5.0  # weight of the loss of a refiner's pictures: LPIPS of a third is worth what the velocity's error is


class TransmissionLoss(nn.Module):
    """The loss of one transmission, as a module that can be wrapped for several processes, cast and compiled.

    Args:
        model: the model to train.
        loss: name of :data:`LOSSES`; of a progressive system the mean over its stages.
        constellation: to whose points the transmitter rounds its symbols; None: it sends any.
    """

    def __init__(self, model: JSCC, loss: str, constellation: FiniteConstellation | None = None) -> None:
        super().__init__()
        self.model, self.loss, self.constellation = model, loss, constellation

    def forward(
        self, images: Images, snr_db: SnrDb, draws: torch.Generator, channel: Channel, bandwidth_ratio: float | None
    ) -> Tensor:
        """The loss of a batch over a channel."""
        link = make_link(self.model, channel, bandwidth_ratio=bandwidth_ratio, constellation=self.constellation)
        sent = link.transmit(images, snr_db, generator=draws)
        losses = [LOSSES[self.loss](images, stage) for stage in sent.refinements or (sent.images,)]
        return torch.stack(losses).mean() + training_penalty(self.model, images, snr_db)


class PairLoss(TransmissionLoss):
    """The same loss of pairs, ``[batch, 2, 3, height, width]``, over two links each; the views weigh alike."""

    def forward(
        self, images: Pairs, snr_db: PairSnrDb, draws: torch.Generator, channel: Channel, bandwidth_ratio: float | None
    ) -> Tensor:
        """The loss of a batch over a kind of channel."""
        link = make_link(self.model, channel, bandwidth_ratio=bandwidth_ratio, constellation=self.constellation)
        sent = link.transmit(images, snr_db, generator=draws)
        return LOSSES[self.loss](images.flatten(0, 1), sent.images.flatten(0, 1))


class RefinementLoss(nn.Module):
    """One transmission by one of several links, drawn, and the loss of the refiner on what it delivered.

    Args:
        refiner: the model to train.
        links: models of the links, as they are.
        loss: name of :data:`LOSSES`, of the pictures that the refiner takes for the originals; it counts
            :data:`BESIDE` times beside the error of the velocity, which is all there is to `mse` (as Yang & Mandt 2023
            add a perceptual distance).
    """

    def __init__(self, refiner: Diffusion, links: list[JSCC], loss: str) -> None:
        super().__init__()
        self.refiner, self.links = refiner, [link.eval().requires_grad_(False) for link in links]
        self.beside = None if loss == "mse" else LOSSES[loss]

    def forward(
        self, images: Images, snr_db: SnrDb, draws: torch.Generator, channel: Channel, bandwidth_ratio: float | None
    ) -> Tensor:
        """The loss of a batch over a channel."""
        model = self.links[int(torch.randint(len(self.links), (), generator=draws))].to(images.device)
        link = make_link(model, channel, bandwidth_ratio=bandwidth_ratio)
        with torch.no_grad():
            first = link.transmit(images, snr_db, generator=draws).images
        error, guessed = self.refiner.guess(images, first, snr_db, draws)
        return error if self.beside is None else error + BESIDE * self.beside(images, guessed)


def make_objective(link: Link | Refined, loss: str, links: list[JSCC], *, pairs: bool) -> nn.Module:
    """Make the objective that trains a link, on images or on pairs, or a refiner behind one.

    Raises:
        UsageError: a refiner and pairs.
    """
    if isinstance(link, Refined):
        if pairs:
            raise UsageError("a refiner takes single images; give it no pairs")
        return RefinementLoss(link.refiner, links, loss)
    return (PairLoss if pairs else TransmissionLoss)(link.model, loss, link.constellation)

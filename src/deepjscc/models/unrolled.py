"""`unrolled`: the model-based code of the three-approaches report (its sec. 3.3), with the iterations put right.

The receiver looks for the latent z behind y = z + n by proximal gradient steps (the report's sec. 3.3),

    z_{k+1} = z_k - a_k (z_k - y) + D_k(z_k, SNR),

a_k learned, D_k a small network. The report starts at y, where the first gradient vanishes; this starts at 0. It
trains the last iterate alone, so that stopping early shows a network cut short; here, with ``usable="every"``, each
batch trains a number of steps drawn anew, often all.
"""

import copy
from typing import ClassVar, Literal, get_args

import torch
from torch import nn

from deepjscc.errors import UsageError
from deepjscc.layers.denoiser import Denoiser
from deepjscc.layers.snr_stage import downwards, upwards
from deepjscc.models.adaptive import condition
from deepjscc.models.base import JSCC
from deepjscc.types import Images, Latent, Size, SnrDb

Usable = Literal["every", "last"]
Start = Literal["zero", "received"]
ALL_SHARE = 0.4  # of the training that makes all steps: drawn evenly, the last step would learn least of all


class Steps(nn.Module):
    """The unrolled iterations that a model has, how many of them it makes, and which it learns from.

    Args:
        denoisers: D_k, one a step.
        usable: whether training draws a number of steps for `every` batch, or always makes all (`last`).
        first: step size a_1 at first; those of later steps begin at ``later``.
    """

    def __init__(self, denoisers: list[Denoiser], usable: Usable, *, first: float, later: float) -> None:
        super().__init__()
        if not denoisers or usable not in get_args(Usable):
            raise UsageError(f"an unrolled decoder needs a step or more, and usable steps every or last, not {usable}")
        self.denoisers = nn.ModuleList(denoisers)
        self.sizes = nn.Parameter(torch.tensor([first] + [later] * (len(denoisers) - 1)))
        self.usable, self.made = usable, len(denoisers)

    def stopped_after(self, count: int) -> "Steps":
        """Return the same steps, with shared weights, of which only the first ``count`` are made.

        Raises:
            UsageError: none, or more than there are.
        """
        if not 1 <= count <= len(self.denoisers):
            raise UsageError(f"this unrolled decoder makes 1 to {len(self.denoisers)} steps, not {count}")
        fewer = copy.copy(self)
        fewer.made = count
        return fewer

    def sample_training_variant(self, generator: torch.Generator | None) -> "Steps":
        """Draw the number of steps that a training step makes."""
        if self.usable == "last":
            return self
        count = 1 + int(torch.randint(len(self.denoisers), (), generator=generator))
        every = torch.rand((), generator=generator) < ALL_SHARE
        return self if every else self.stopped_after(count)


class IteratedJSCC(JSCC):
    """A code whose receiver iterates: it can be stopped after any step.

    Attributes:
        steps: the iterations.
    """

    steps: Steps

    def stopped_after(self, count: int) -> "IteratedJSCC":
        """Return the same model, with shared weights, whose receiver makes ``count`` steps.

        Raises:
            UsageError: none, or more than there are.
        """
        return self._with(self.steps.stopped_after(count))

    def sample_training_variant(self, generator: torch.Generator | None) -> "IteratedJSCC":
        """The model as a training step has it: with as many steps as :class:`Steps` draws."""
        return self._with(self.steps.sample_training_variant(generator))

    def _with(self, steps: Steps) -> "IteratedJSCC":
        other = copy.copy(self)
        other._modules = {**self._modules, "steps": steps}
        return other


class Unrolled(IteratedJSCC):
    """Three stages of stride two to the latent at 1/8, iterations on it, three stages back.

    Args:
        channels: of the latent; 12, the report's, are bandwidth ratio 1/32 (its rho is 1/16, not the 1/4 it says), 48
            are 1/8.
        width: features after the first stage, doubled by the second and the third.
        steps: K.
        start: of the iterations; the report's is `received`.
        usable: whether `every` step is to be usable, or only the `last`, as in the report.
    """

    kind: ClassVar[str] = "unrolled"
    stride = 8

    def __init__(
        self, channels: int = 48, width: int = 32, steps: int = 6, start: Start = "zero", usable: Usable = "every"
    ) -> None:
        super().__init__(channels=channels, width=width, steps=steps, start=start, usable=usable)
        if channels < 1 or width < 1 or start not in get_args(Start):
            raise UsageError(f"unrolled takes no {channels} channels, width {width} and start {start!r}")
        self.channels, self.start = channels, start
        widths = (width, 2 * width, 4 * width)
        self.encoder = downwards((3, *widths), 1, "film")
        self.to_latent = nn.Conv2d(widths[-1], channels, 1)
        denoisers = [Denoiser(channels, channels, 32, 1) for _ in range(steps)]
        self.steps = Steps(denoisers, usable, first=0.5, later=0.5)
        self.from_latent = nn.Conv2d(channels, widths[-1], 1)
        self.decoder = upwards((*widths[::-1], width), 1, "film")
        self.to_image = nn.Conv2d(width, 3, 3, padding=1)

    def latent_reals(self, size: Size) -> int:
        """Number of reals in all channels at 1/8 of the resolution."""
        return self.channels * (size[0] // self.stride) * (size[1] // self.stride)

    def analyse(self, images: Images, snr_db: SnrDb) -> Latent:
        """Encode pixels to the latent."""
        return self.to_latent(self.encoder(images - 0.5, condition(snr_db))).flatten(1).float()

    def synthesise(self, latent: Latent, size: Size, snr_db: SnrDb) -> Images:
        """Iterate on the latent, then decode it to pixels."""
        received = latent.unflatten(1, (self.channels, size[0] // self.stride, size[1] // self.stride))
        link = condition(snr_db)
        estimate = received if self.start == "received" else torch.zeros_like(received)
        for step in range(self.steps.made):
            gradient = estimate - received  # of ||y - z||^2 / 2, that is N0 times the negative log-likelihood's
            estimate = estimate - self.steps.sizes[step] * gradient + self.steps.denoisers[step](estimate, link)
        return self.to_image(self.decoder(self.from_latent(estimate), link)).float().sigmoid()

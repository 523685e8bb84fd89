"""`unrolled_linear`: unrolled iterations on the coefficients of the linear code, whose first step is its receiver.

Of y = H z + n (H the scales of the coefficients z, N0 the variance of n) the receiver makes the steps

    u = z_k + a_k P H (y - H z_k) / N0,      z_{k+1} = u + D_k(u, link),

a gradient step on the channel's likelihood, preconditioned by the posterior variances P of Gaussian coefficients, and
a small denoiser that looks at u as a picture. From z_0 = 0 with a_1 = 1 the first step alone is the LMMSE estimate.
Whatever the number of steps, one network makes the picture of the last iterate. The encoder is `linear` with three
stages of stride two beside it.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn
from torch.nn import functional as F

from deepjscc.errors import UsageError
from deepjscc.layers.denoiser import Denoiser
from deepjscc.layers.products import Dense
from deepjscc.layers.residual import zeroed
from deepjscc.layers.snr_stage import FilmResiduals, Pyramid, downwards, upwards
from deepjscc.models.block_code.closed_form import LmmseObservation
from deepjscc.models.block_code.code import BlockCode
from deepjscc.models.block_code.network_inputs import (
    LINK,
    LINK_AT_RECEIVER,
    NetworkInputs,
    as_blocks,
    as_grid,
    network_input,
    values_at_decoder,
    values_at_encoder,
)
from deepjscc.models.block_code.networks import BLOCK, TrainedRange
from deepjscc.models.block_code.transform import Blocks
from deepjscc.models.unrolled import IteratedJSCC, Steps, Usable
from deepjscc.types import Images

PATCH = 4  # pixels a side that a denoiser takes together


@dataclass(frozen=True)
class UnrolledNetworks:
    """Three stages beside the linear encoder, the iterations of the receiver, and a network behind them.

    Attributes:
        pixels_in, blocks_in, mix_in, latent_out: of the encoder.
        steps: the iterations.
        received_in, iterate_in, pyramid_out, last, pixels_out: make the picture of the last iterate.
    """

    pixels_in: Pyramid
    blocks_in: Dense
    mix_in: FilmResiduals
    latent_out: nn.Linear
    steps: Steps
    received_in: Dense
    iterate_in: nn.Conv2d
    pyramid_out: Pyramid
    last: FilmResiduals
    pixels_out: nn.ConvTranspose2d

    def encoder_residual(self, inputs: NetworkInputs, outer: Blocks) -> Blocks:
        """Compute the encoder's residual from the pixels and from their blocks."""
        columns, link = inputs.columns, inputs.link()
        blocks = as_grid(self.blocks_in(inputs.at_encoder(outer)), columns)
        features = self.pixels_in(inputs.transform.to_pixels(outer, columns) - 0.5, link)
        features = self.mix_in(features + F.pixel_shuffle(blocks, 2), link)
        return self.latent_out(F.silu(as_blocks(F.pixel_unshuffle(features, 2)))).float()

    def decoder_refine(self, inputs: NetworkInputs, observation: LmmseObservation) -> Images:
        """Make the steps, and the picture of the last iterate."""
        columns, link = inputs.columns, inputs.link_at_receiver()
        spread = inputs.transform.deviation_of_pixels(observation.error, columns) * observation.weight[..., None]
        # Of weight 0 the LMMSE estimate is left, whatever the learned step sizes.
        iterated = self.iterate(inputs, observation, spread, link)
        coefficients = observation.estimate + observation.weight * (iterated - observation.estimate)
        rough = inputs.transform.to_pixels(coefficients, columns)
        features = F.pixel_shuffle(as_grid(self.received_in(inputs.at_decoder(observation)), columns), 2)
        fine = self.last(self.pyramid_out(features, link) + self.iterate_in(network_input(rough, spread)), link)
        return rough + self.pixels_out(F.silu(fine)).float() * spread

    def iterate(
        self, inputs: NetworkInputs, observation: LmmseObservation, spread: Images, link: torch.Tensor
    ) -> Blocks:
        """Iterate, and return the last iterate z_k."""
        towards = observation.error * observation.scale / observation.noise  # P H / N0; 0 where nothing was sent
        estimate = torch.zeros_like(observation.observed)
        for step in range(self.steps.made):
            gradient = towards * (observation.observed - observation.scale * estimate)
            estimate = estimate + self.steps.sizes[step] * gradient
            picture = network_input(inputs.transform.to_pixels(estimate, inputs.columns), spread)
            seen = F.pixel_unshuffle(picture, PATCH).contiguous(memory_format=torch.channels_last)
            change = F.pixel_shuffle(self.steps.denoisers[step](seen, link).float(), PATCH) * spread
            estimate = estimate + inputs.transform.coefficients_of_change(change)
        return estimate


class UnrolledLinear(IteratedJSCC, BlockCode):
    """See the module's docstring; any bandwidth ratio up to 1/2, encoding and side information of `linear`.

    Args:
        channels: reals per 8x8 pixels sent where no ratio is asked for: 12 are ratio 1/32, 48 are 1/8.
        width: features after the first stage, doubled by the second and the third.
        steps: K.
        usable: whether `every` step is to be usable, or only the `last`.
        classes: of the linear code it starts from.
    """

    kind: ClassVar[str] = "unrolled_linear"
    export_obstacle = "its decoder, converted, differs from the model; export adaptive-linear or universal-s"
    starts_from = ("linear",)
    trained = TrainedRange(ratio=(1 / 32, 1 / 4))

    def __init__(
        self, channels: int = 48, width: int = 20, steps: int = 6, usable: Usable = "every", classes: int = 16
    ) -> None:
        super().__init__(BLOCK, classes)
        self.config = {"channels": channels, "width": width, "steps": steps, "usable": usable, "classes": classes}
        if not 1 <= channels <= 192 or width < 1:
            raise UsageError(f"unrolled_linear takes no {channels} channels and width {width}")
        self.default_ratio = channels / (6 * 8 * 8)
        values = len(self.mean)
        widths = (width, 2 * width, 4 * width)
        self.pixels_in = downwards((3, *widths), LINK, "film")
        self.blocks_in = Dense(values_at_encoder(values, classes), 4 * widths[-1])
        self.mix_in = FilmResiduals(widths[-1], LINK)
        self.latent_out = zeroed(Dense(4 * widths[-1], values))
        denoisers = [Denoiser(6 * PATCH**2, 3 * PATCH**2, 24, LINK_AT_RECEIVER) for _ in range(steps)]
        self.steps = Steps(denoisers, usable, first=1.0, later=0.0)
        self.received_in = Dense(values_at_decoder(values, classes), 4 * widths[-1])
        self.iterate_in = nn.Conv2d(6, widths[0], 5, stride=2, padding=2)
        self.pyramid_out = upwards(widths[::-1], LINK_AT_RECEIVER, "film")
        self.last = FilmResiduals(widths[0], LINK_AT_RECEIVER)
        self.pixels_out = zeroed(nn.ConvTranspose2d(widths[0], 3, 4, stride=2, padding=1))
        # A step reaches 4 patches, that is a block, the network behind another; the encoder's stages 102 pixels.
        self.halo = max(-(-102 // BLOCK), steps + 1)

    @property
    def networks(self) -> UnrolledNetworks:
        """The encoder's stages, the iterations, and the network behind them."""
        return UnrolledNetworks(
            pixels_in=self.pixels_in,
            blocks_in=self.blocks_in,
            mix_in=self.mix_in,
            latent_out=self.latent_out,
            steps=self.steps,
            received_in=self.received_in,
            iterate_in=self.iterate_in,
            pyramid_out=self.pyramid_out,
            last=self.last,
            pixels_out=self.pixels_out,
        )

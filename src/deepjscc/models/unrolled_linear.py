"""`unrolled_linear`: unrolled iterations on the coefficients of the linear code, whose first step is its receiver.

Of y = H z + n (H the scales of the coefficients z, N0 the variance of n) the receiver makes the steps

    u = z_k + a_k P H (y - H z_k) / N0,      z_{k+1} = u + D_k(u, link),

a gradient step on the channel's likelihood, preconditioned by the posterior variances P of Gaussian coefficients, and
a small denoiser that looks at u as a picture. From z_0 = 0 with a_1 = 1 the first step alone is the LMMSE estimate.
Whatever the number of steps, one network makes the picture of the last iterate. The encoder is `linear` with three
stages of stride two beside it.
"""

from typing import ClassVar

import torch
from torch import nn
from torch.nn import functional as F

from deepjscc.errors import UsageError
from deepjscc.layers.denoiser import Denoiser
from deepjscc.layers.products import Dense, linear
from deepjscc.layers.residual import zeroed
from deepjscc.layers.snr_stage import FilmResiduals, downwards, upwards
from deepjscc.models.block_code.side_info import BlockPlan, DecodedSideInfo
from deepjscc.models.block_code.tiling import Strip
from deepjscc.models.branched import (
    BLOCK,
    GROUPS,
    LINK,
    LINK_AT_RECEIVER,
    Branched,
    LmmseObservation,
    as_blocks,
    as_grid,
    network_input,
)
from deepjscc.models.linear import Blocks
from deepjscc.models.unrolled import IteratedJSCC, Steps, Usable
from deepjscc.types import Images

PATCH = 4  # pixels a side that a denoiser takes together


class UnrolledLinear(IteratedJSCC, Branched):
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
    trained_ratio = (1 / 32, 1 / 4)

    def __init__(
        self, channels: int = 48, width: int = 20, steps: int = 6, usable: Usable = "every", classes: int = 16
    ) -> None:
        super().__init__(classes)
        self.config = {"channels": channels, "width": width, "steps": steps, "usable": usable, "classes": classes}
        if not 1 <= channels <= 192 or width < 1:
            raise UsageError(f"unrolled_linear takes no {channels} channels and width {width}")
        self.default_ratio = channels / (6 * 8 * 8)
        values, seen = len(self.mean), self.coefficients_seen + self.described
        widths = (width, 2 * width, 4 * width)
        self.pixels_in = downwards((3, *widths), LINK, "film")
        self.blocks_in = Dense(seen, 4 * widths[-1])
        self.mix_in = FilmResiduals(widths[-1], LINK)
        self.latent_out = zeroed(Dense(4 * widths[-1], values))
        denoisers = [Denoiser(6 * PATCH**2, 3 * PATCH**2, 24, LINK_AT_RECEIVER) for _ in range(steps)]
        self.steps = Steps(denoisers, usable, first=1.0, later=0.0)
        self.received_in = Dense(seen + GROUPS, 4 * widths[-1])
        self.iterate_in = nn.Conv2d(6, widths[0], 5, stride=2, padding=2)
        self.pyramid_out = upwards(widths[::-1], LINK_AT_RECEIVER, "film")
        self.last = FilmResiduals(widths[0], LINK_AT_RECEIVER)
        self.pixels_out = zeroed(nn.ConvTranspose2d(widths[0], 3, 4, stride=2, padding=1))
        # A step reaches 4 patches, that is a block, the network behind another; the encoder's stages 102 pixels.
        self.halo = max(-(-102 // BLOCK), steps + 1)

    def encoder_residual(self, outer: Blocks, plan: BlockPlan, strip: Strip) -> Blocks:
        """What the encoder's stages make of the pixels and of their blocks."""
        columns, link = plan.grid[1], self.link(plan)
        seen = torch.cat([self.seen_by_encoder(outer, plan, strip), self.describe(plan, strip)], 2)
        features = self.pixels_in(self.to_pixels(outer, columns) - 0.5, link)
        features = self.mix_in(features + F.pixel_shuffle(as_grid(self.blocks_in(seen), columns), 2), link)
        return self.latent_out(F.silu(as_blocks(F.pixel_unshuffle(features, 2)))).float()

    def decoder_refine(
        self, observation: LmmseObservation, side_info: DecodedSideInfo, plan: BlockPlan, strip: Strip
    ) -> Images:
        """The steps, and the picture of the last iterate."""
        columns, link = plan.grid[1], self.link_at_receiver(plan, side_info)
        spread = self.deviation_of_pixels(observation.error, columns) * observation.weight[..., None]
        # Of weight 0 the LMMSE estimate is left, whatever the learned step sizes.
        iterated = self.iterate(observation, spread, columns, link)
        coefficients = observation.estimate + observation.weight * (iterated - observation.estimate)
        rough = self.to_pixels(coefficients, columns)
        seen = torch.cat([self.seen_by_decoder(observation, side_info, plan, strip), self.describe(plan, strip)], 2)
        features = F.pixel_shuffle(as_grid(self.received_in(seen), columns), 2)
        fine = self.last(self.pyramid_out(features, link) + self.iterate_in(network_input(rough, spread)), link)
        return rough + self.pixels_out(F.silu(fine)).float() * spread

    def iterate(self, observation: LmmseObservation, spread: Images, columns: int, link: torch.Tensor) -> Blocks:
        """The last iterate z_k."""
        towards = observation.error * observation.scale / observation.noise  # P H / N0; 0 where nothing was sent
        estimate = torch.zeros_like(observation.observed)
        for step in range(self.steps.made):
            gradient = towards * (observation.observed - observation.scale * estimate)
            estimate = estimate + self.steps.sizes[step] * gradient
            seen = F.pixel_unshuffle(network_input(self.to_pixels(estimate, columns), spread), PATCH)
            seen = seen.contiguous(memory_format=torch.channels_last)
            change = F.pixel_shuffle(self.steps.denoisers[step](seen, link).float(), PATCH) * spread
            with torch.autocast(estimate.device.type, enabled=False):
                estimate = estimate + linear(self.to_blocks(change), self.basis.T)
        return estimate

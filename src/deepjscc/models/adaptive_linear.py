"""`adaptive_linear`: the stages of `adaptive` as branches around the linear code, where they begin at zero.

The report's networks never learn to use a good channel. Here the closed-form code sends and estimates everything that
a linear one can; the encoder's branch adds to its latent, and the decoder's two branches correct its estimate: the
coefficients at 1/16 of the resolution, then the pixels, each in units of the posterior deviation of what it corrects.
"""

from typing import ClassVar, get_args

import torch
from torch import nn
from torch.nn import functional as F

from deepjscc.errors import UsageError
from deepjscc.layers.products import Dense
from deepjscc.layers.residual import zeroed
from deepjscc.layers.snr_stage import Conditioning, FilmResiduals, GatedResiduals, downwards, upwards
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
from deepjscc.types import Images

HALO_PIXELS = 216  # of 3x3 convolutions eight at 1/16 and four each at 1/8, 1/4 and 1/2, and the 5x5 ones between


class AdaptiveLinear(Branched):
    """See the module's docstring; any bandwidth ratio up to 1/2, encoding and side information of `linear`.

    Args:
        width: features after the first stage, doubled by the second and the third.
        deepest: features at 1/16 of the resolution.
        conditioning: `film`, or the report's `gate`.
        classes: of the linear code it starts from.
    """

    kind: ClassVar[str] = "adaptive_linear"
    trained_ratio = (1 / 32, 1 / 4)
    least_blocks = 2  # its stages at 1/16 of the resolution have one place for a block

    def __init__(
        self, width: int = 16, deepest: int = 192, conditioning: Conditioning = "film", classes: int = 16
    ) -> None:
        super().__init__(classes)
        self.config = {"width": width, "deepest": deepest, "conditioning": conditioning, "classes": classes}
        if width < 1 or deepest < 1 or conditioning not in get_args(Conditioning):
            raise UsageError(f"adaptive_linear takes no width {width}, deepest {deepest} and {conditioning!r}")
        values, seen = len(self.mean), self.coefficients_seen + self.described
        widths = (width, 2 * width, 4 * width, deepest)
        residuals = FilmResiduals if conditioning == "film" else GatedResiduals
        self.pixels_in = downwards((3, *widths), LINK, conditioning)
        self.blocks_in = Dense(seen, deepest)
        self.mix_in = residuals(deepest, LINK)
        self.latent_out = zeroed(Dense(deepest, values))
        self.received_in = Dense(seen + GROUPS, deepest)
        self.mix_out = residuals(deepest, LINK_AT_RECEIVER)
        self.coefficients_out = zeroed(Dense(deepest, values))
        self.pyramid_out = upwards(widths[::-1], LINK_AT_RECEIVER, conditioning)
        self.rough_in = nn.Conv2d(6, width, 5, stride=2, padding=2)
        self.last = residuals(width, LINK_AT_RECEIVER)
        self.pixels_out = zeroed(nn.ConvTranspose2d(width, 3, 4, stride=2, padding=1))
        self.halo = -(-HALO_PIXELS // BLOCK)

    def encoder_residual(self, outer: Blocks, plan: BlockPlan, strip: Strip) -> Blocks:
        """What the encoder's branch makes of the pixels and of their blocks."""
        columns, link = plan.grid[1], self.link(plan)
        seen = torch.cat([self.seen_by_encoder(outer, plan, strip), self.describe(plan, strip)], 2)
        features = self.pixels_in(self.to_pixels(outer, columns) - 0.5, link)
        features = self.mix_in(features + as_grid(self.blocks_in(seen), columns), link)
        return self.latent_out(F.silu(as_blocks(features))).float()

    def decoder_refine(
        self, observation: LmmseObservation, side_info: DecodedSideInfo, plan: BlockPlan, strip: Strip
    ) -> Images:
        """The decoder's branches: coefficients first, then pixels."""
        columns, link = plan.grid[1], self.link_at_receiver(plan, side_info)
        seen = torch.cat([self.seen_by_decoder(observation, side_info, plan, strip), self.describe(plan, strip)], 2)
        features = self.mix_out(as_grid(self.received_in(seen), columns), link)
        correction = self.coefficients_out(F.silu(as_blocks(features))).float()
        rough, spread = self.rough_picture(observation, correction, columns)
        fine = self.last(self.pyramid_out(features, link) + self.rough_in(network_input(rough, spread)), link)
        return rough + self.pixels_out(F.silu(fine)).float() * spread * observation.weight[..., None]

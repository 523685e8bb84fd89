"""`adaptive_linear`: the stages of `adaptive` as branches around the linear code, where they begin at zero.

The report's networks never learn to use a good channel. Here the closed-form code sends and estimates everything that
a linear one can; the encoder's branch adds to its latent, and the decoder's two branches correct its estimate: the
coefficients at 1/16 of the resolution, then the pixels, each in units of the posterior deviation of what it corrects.
"""

from typing import ClassVar, get_args

import torch
from torch import nn
from torch.nn import functional as F

from deepjscc.blocks.products import Dense
from deepjscc.blocks.residual import zeroed
from deepjscc.blocks.snr_stage import Conditioning, FilmResiduals, GatedResiduals, downwards, upwards
from deepjscc.errors import UsageError
from deepjscc.models.branched import BLOCK, GROUPS, LINK, LINK_HEARD, Branched, Evidence, as_blocks, as_grid, look
from deepjscc.models.linear import Blocks
from deepjscc.models.rows import Strip
from deepjscc.models.side_info import Heard, Plan
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
        self.mix_out = residuals(deepest, LINK_HEARD)
        self.coefficients_out = zeroed(Dense(deepest, values))
        self.pyramid_out = upwards(widths[::-1], LINK_HEARD, conditioning)
        self.rough_in = nn.Conv2d(6, width, 5, stride=2, padding=2)
        self.last = residuals(width, LINK_HEARD)
        self.pixels_out = zeroed(nn.ConvTranspose2d(width, 3, 4, stride=2, padding=1))
        self.halo = -(-HALO_PIXELS // BLOCK)

    def added(self, outer: Blocks, plan: Plan, strip: Strip) -> Blocks:
        """What the encoder's branch makes of the pixels and of their blocks."""
        columns, link = plan.grid[1], self.link(plan)
        seen = torch.cat([self.seen_by_encoder(outer, plan, strip), self.describe(plan, strip)], 2)
        features = self.pixels_in(self.to_pixels(outer, columns) - 0.5, link)
        features = self.mix_in(features + as_grid(self.blocks_in(seen), columns), link)
        return self.latent_out(F.silu(as_blocks(features))).float()

    def corrected(self, evidence: Evidence, heard: Heard, plan: Plan, strip: Strip) -> Images:
        """The decoder's branches: coefficients first, then pixels."""
        columns, link = plan.grid[1], self.link_heard(plan, heard)
        seen = torch.cat([self.seen_by_decoder(evidence, heard, plan, strip), self.describe(plan, strip)], 2)
        features = self.mix_out(as_grid(self.received_in(seen), columns), link)
        added = self.coefficients_out(F.silu(as_blocks(features))).float()
        rough, spread = self.rough_picture(evidence, added, columns)
        fine = self.last(self.pyramid_out(features, link) + self.rough_in(look(rough, spread)), link)
        return rough + self.pixels_out(F.silu(fine)).float() * spread * evidence.weight[..., None]

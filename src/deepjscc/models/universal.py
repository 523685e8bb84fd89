"""`universal`: the block-adaptive linear code with networks around it. One model for every SNR, ratio and channel.

Both networks work on blocks, at 1/8 resolution inside; a clean-up of the picture follows at the receiver. They begin
at zero, where the code *is* `linear`. The decoder is told the noise variance of every symbol; one that was not sent is
one received with infinite variance.
"""

from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from deepjscc.layers.products import Dense
from deepjscc.layers.residual import ConditionedResidual, Features, zeroed
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

CONDITION = 64
Halved = Float[Tensor, "batch features half_rows half_columns"]


class Trunk(nn.Module):
    """Blocks of 16x16 pixels in, residual blocks at 1/8 resolution, blocks out.

    Args:
        inputs: features of a block.
        width: features at 1/8 resolution.
        depth: number of residual blocks.
        condition: numbers that describe the link.
        outputs: values of a block, 0 at first.
    """

    def __init__(self, inputs: int, width: int, depth: int, condition: int, outputs: int) -> None:
        super().__init__()
        self.enter = Dense(inputs, 4 * width)
        self.condition = nn.Sequential(nn.Linear(condition, CONDITION), nn.SiLU(), nn.Linear(CONDITION, CONDITION))
        self.blocks = nn.ModuleList(ConditionedResidual(width, CONDITION) for _ in range(depth))
        self.leave = zeroed(Dense(4 * width, outputs))

    def forward(
        self, blocks: Float[Tensor, "batch blocks inputs"], condition: Float[Tensor, "batch link"], columns: int
    ) -> Float[Tensor, "batch blocks outputs"]:
        """Blocks in raster order, ``columns`` a row."""
        features, condition_features = self.begin(blocks, condition, columns)
        for block in self.blocks:
            features = block(features, condition_features)
        return self.end(features)

    def begin(
        self, blocks: Float[Tensor, "batch blocks inputs"], condition: Float[Tensor, "batch link"], columns: int
    ) -> tuple[Features, Float[Tensor, "batch condition"]]:
        """What the residual blocks begin with: features, and the link as they are told of it."""
        return F.pixel_shuffle(as_grid(self.enter(blocks), columns), 2), F.silu(self.condition(condition))

    def end(self, features: Features) -> Float[Tensor, "batch blocks outputs"]:
        """What becomes of the features behind the residual blocks."""
        return self.leave(F.silu(as_blocks(F.pixel_unshuffle(features, 2))))


class CleanUp(nn.Module):
    """A few convolutions at half resolution over the picture and its expected error; 0 at first.

    Args:
        width: features.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(6, width, 5, stride=2, padding=2),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.SiLU(),
            zeroed(nn.ConvTranspose2d(width, 3, 4, stride=2, padding=1)),
        )

    def forward(self, images: Images, deviation: Images) -> Images:
        """A correction in units of the expected deviation of every pixel value."""
        return self.end(self.begin(images, deviation))

    def begin(self, images: Images, deviation: Images) -> Halved:
        """Features at half resolution."""
        return self.layers[:-1](network_input(images, deviation))

    def end(self, features: Halved) -> Images:
        """The correction that they make."""
        return self.layers[-1](features)


class Universal(Branched):
    """See the module's docstring; encoding, side information and strips are those of `linear`.

    Args:
        width: features at 1/8 resolution.
        encoder_depth, decoder_depth: residual blocks on either side.
        clean_width: features of the clean-up at half resolution.
        classes: of the linear code it starts from.
    """

    kind: ClassVar[str] = "universal"

    def __init__(
        self,
        width: int = 96,
        encoder_depth: int = 3,
        decoder_depth: int = 5,
        clean_width: int = 24,
        classes: int = 16,
    ) -> None:
        super().__init__(classes)
        self.config = {
            "classes": classes,
            "width": width,
            "encoder_depth": encoder_depth,
            "decoder_depth": decoder_depth,
            "clean_width": clean_width,
        }
        values, seen = len(self.mean), self.coefficients_seen + self.described
        self.encoder = Trunk(seen, width, encoder_depth, LINK, values)
        self.decoder = Trunk(seen + GROUPS, width, decoder_depth, LINK_AT_RECEIVER, values)
        self.clean_up = CleanUp(clean_width)
        # A 3x3 convolution at 1/8 resolution reaches 8 pixels; the clean-up 6 positions at half resolution.
        self.halo = -(-max(2 * encoder_depth * 8, 2 * decoder_depth * 8 + 16) // BLOCK)

    def encoder_residual(self, outer: Blocks, plan: BlockPlan, strip: Strip) -> Blocks:
        """What the encoder's trunk makes of the blocks."""
        seen = torch.cat([self.seen_by_encoder(outer, plan, strip), self.describe(plan, strip)], 2)
        return self.encoder(seen, self.link(plan), plan.grid[1]).float()

    def decoder_refine(
        self, observation: LmmseObservation, side_info: DecodedSideInfo, plan: BlockPlan, strip: Strip
    ) -> Images:
        """The decoder's trunk corrects coefficients, the clean-up pixels."""
        columns = plan.grid[1]
        seen = torch.cat([self.seen_by_decoder(observation, side_info, plan, strip), self.describe(plan, strip)], 2)
        correction = self.decoder(seen, self.link_at_receiver(plan, side_info), columns).float()
        rough, spread = self.rough_picture(observation, correction, columns)
        return rough + self.clean_up(rough, spread).float() * spread * observation.weight[..., None]

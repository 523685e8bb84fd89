"""The interface of networks around a block code, and the links that they were trained for.

The encoder's network adds to the coefficients that the closed form would send, and to those it would leave silent; the
decoder's network corrects the LMMSE estimate, in units of the posterior deviation of what it corrects. Networks that
end in zeros make the code the closed form.
"""

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from deepjscc.models.block_code.allocation import symbol_ratio
from deepjscc.models.block_code.closed_form import LmmseObservation
from deepjscc.models.block_code.network_inputs import RATIO_SLACK, NetworkInputs
from deepjscc.models.block_code.side_info import BlockPlan
from deepjscc.models.block_code.transform import Blocks
from deepjscc.types import Images

BLOCK = 16  # side of the blocks of codes with networks
SNR_SLACK_DB = 2.0  # beyond the trained SNRs in which the networks are still used as they are
SNR_FADE_DB = 6.0  # beyond that slack, over which their weight falls from 1 to 0
RATIO_FADE = 2 / 3  # octaves beyond which the weight falls from 1 to 0


@runtime_checkable
class Networks(Protocol):
    """The networks of both ends; they work on a strip and its halo."""

    def encoder_residual(self, inputs: NetworkInputs, outer: Blocks) -> Blocks:
        """Return what the encoder adds to the latent of a strip and its halo; the halo's part is not used."""
        ...

    def decoder_refine(self, inputs: NetworkInputs, observation: LmmseObservation) -> Images:
        """Return the pixels of a strip and its halo; the halo's are not used."""
        ...


@dataclass(frozen=True)
class TrainedRange:
    """The links that networks met in training; beyond them they fade out, and the closed form is left.

    Attributes:
        snr_db: lowest and highest SNR planned for.
        ratio: lowest and highest bandwidth ratio, side information included.
        least_blocks: blocks of a picture below which the networks stay out, as they see little but padding.
        noiseless_from_db: SNR from which links planned for without noise, as they were part of the training, begin;
            None where there were none.
    """

    snr_db: tuple[float, float] = (-6.0, 22.0)
    ratio: tuple[float, float] = (1 / 96, 1 / 4)
    least_blocks: int = 1
    noiseless_from_db: float | None = None

    def weight(self, plan: BlockPlan, values: int) -> Float[Tensor, " batch"]:
        """Weight of what the networks add: 1 within the SNRs and ratios of training, falling to 0 beyond.

        Both ends compute it from the header and the number of symbols.

        Args:
            plan: how the batch is sent.
            values: of a block.
        """
        (low, high), snr_db = self.snr_db, plan.snr_db
        if self.noiseless_from_db is not None:
            snr_db = torch.where(snr_db >= self.noiseless_from_db, high, snr_db)
        snr_beyond = ((low - snr_db).maximum(snr_db - high) - SNR_SLACK_DB) / SNR_FADE_DB
        octaves = symbol_ratio(plan.allocation, values).log2()
        low, high = (math.log2(ratio) for ratio in self.ratio)
        ratio_beyond = (low - RATIO_SLACK - octaves).maximum(octaves - high) / RATIO_FADE
        # No branch on the number of blocks: an exported graph has none.
        large = torch.ones_like(octaves) * (plan.allocation.classes.shape[1] // self.least_blocks)
        return (1 - snr_beyond).clamp(0, 1) * (1 - ratio_beyond).clamp(0, 1) * large.clamp_max(1)

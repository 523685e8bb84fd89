"""The inputs of the networks around a block code: scaled coefficients, powers, errors, and the link."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from deepjscc.models.block_code.allocation import ByClass, Variances, symbol_ratio
from deepjscc.models.block_code.closed_form import LmmseObservation, outer_run
from deepjscc.models.block_code.side_info import NOISE_RANGE, BlockPlan, DecodedSideInfo, clamp_noise_variance
from deepjscc.models.block_code.tiling import Strip
from deepjscc.models.block_code.transform import Blocks, BlockTransform
from deepjscc.types import Images

STRONGEST = 256  # coefficients that the networks also see on the scale of all photographs, not of their class
GROUPS = 64  # of neighbouring coefficients, over which powers and uncertainties are averaged for the networks
SNR_RANGE = (-8.0, 24.0)  # of the SNRs planned for that enter a network
RATIO_SLACK = 1.0  # octaves below the trained ratios that side information may leave to the symbols
SPREAD_FLOOR = 1e-4  # variance below which coefficients are not blown up on the way into a network
LARGEST = 10.0  # value that goes into a network
LINK, LINK_AT_RECEIVER = 2, 4  # numbers that describe the link to the transmitter's networks and to the receiver's


@dataclass(frozen=True)
class NetworkInputs:
    """Everything that the networks of one end are given for a strip and its halo.

    Attributes:
        transform: of the code.
        variances: of every coefficient in each class.
        plan: how the batch is sent.
        strip: which blocks these are.
        trained_ratio: lowest and highest bandwidth ratio in training, to which what they see of the link is clamped.
        side_info: what the receiver decoded; None at the transmitter.
    """

    transform: BlockTransform
    variances: Variances
    plan: BlockPlan
    strip: Strip
    trained_ratio: tuple[float, float]
    side_info: DecodedSideInfo | None = None

    @property
    def columns(self) -> int:
        """Number of blocks in a row."""
        return self.plan.grid[1]

    @property
    def received(self) -> DecodedSideInfo:
        """The side information, at the receiver."""
        assert self.side_info is not None
        return self.side_info

    def at_encoder(self, outer: Blocks) -> Float[Tensor, "batch blocks seen"]:
        """Return each block's coefficients, scaled by its class and by all photographs, and facts on its class.

        Args:
            outer: coefficients of the strip and its halo.
        """
        own = (self._variance() + SPREAD_FLOOR).rsqrt()
        seen = torch.cat([(outer * own).clamp(-LARGEST, LARGEST), self._on_scale_of_all(outer)], 2)
        return torch.cat([seen, self._described()], 2)

    def at_decoder(self, observation: LmmseObservation) -> Float[Tensor, "batch blocks seen"]:
        """Return what was received of each block, its estimate, the remaining variance in groups, and its class."""
        variance, allocation = self._variance(), self.plan.allocation
        power = allocation.of_blocks(allocation.scale, *outer_run(self.strip, self.columns)).square() * variance
        bounded = clamp_noise_variance(observation.noise, self.plan.least_noise()[:, None, None])
        seen = torch.cat(
            [
                (observation.observed * (power + bounded + 0.3).rsqrt()).clamp(-LARGEST, LARGEST),
                self._on_scale_of_all(observation.estimate),
                grouped(observation.error * self.received.gain[:, None, None].square() / variance),
            ],
            2,
        )
        return torch.cat([seen, self._described()], 2)

    def link(self) -> Float[Tensor, "batch 2"]:
        """Return what both ends know of the link, about between -1 and 1: the planned SNR and the reals a value.

        Both are clamped to what the networks met in training.
        """
        snr_db, (least, most) = self.plan.snr_db.clamp(*SNR_RANGE), self.trained_ratio
        reals_a_value = 2 * symbol_ratio(self.plan.allocation, self.variances.shape[1]).clamp(
            least / 2**RATIO_SLACK, most
        )
        return torch.stack([(snr_db - 7) / 10, reals_a_value.log2() / 4 + 0.5], 1)

    def link_at_receiver(self) -> Float[Tensor, "batch 4"]:
        """Return :meth:`link` and what the receiver alone knows: power gain and noise level, clamped likewise."""
        least, most = (math.log10(noise) for noise in NOISE_RANGE)
        # The lowest level is that of all symbols of the highest ratio, at the least noise.
        lowest = most - (most - least) * 2 * self.trained_ratio[1]
        gain, level = self.received.gain.log2().clamp(-2, 2), self.received.noise_level.clamp_min(lowest) / 2
        return torch.cat([self.link(), torch.stack([gain, level], 1)], 1)

    def rough_picture(self, observation: LmmseObservation, correction: Blocks) -> tuple[Images, Images]:
        """Return the picture of the corrected coefficients, and the expected deviation of its pixel values.

        Args:
            observation: of the coefficients.
            correction: in units of the deviation of each.
        """
        corrected = observation.estimate + correction * observation.error.sqrt() * observation.weight
        rough = self.transform.to_pixels(corrected, self.columns)
        return rough, self.transform.deviation_of_pixels(observation.error, self.columns)

    def _described(self) -> Blocks:
        """Return what both ends know of each block: its class, its powers, and which coefficients are sent."""
        allocation = self.plan.allocation
        power = (allocation.scale.square() * self.variances).log1p()
        sent = (allocation.count > 0).to(power)
        kind = torch.eye(len(self.variances), device=power.device).expand(power.shape[0], -1, -1)
        by_class = torch.cat([grouped(power), grouped(sent), kind], 2)
        return allocation.of_blocks(by_class, *outer_run(self.strip, self.columns))

    def _variance(self) -> Blocks:
        first, last = outer_run(self.strip, self.columns)
        return self.variances[self.plan.allocation.classes[:, first:last]]

    def _on_scale_of_all(self, coefficients: Blocks) -> Float[Tensor, "batch blocks strongest"]:
        overall = (self.variances[-1, :STRONGEST] + SPREAD_FLOOR).rsqrt()
        return (coefficients[..., :STRONGEST] * overall).clamp(-LARGEST, LARGEST)


def values_at_encoder(values: int, classes: int) -> int:
    """Numbers that :meth:`NetworkInputs.at_encoder` makes of a block of so many values."""
    return values + STRONGEST + 2 * GROUPS + classes + 1


def values_at_decoder(values: int, classes: int) -> int:
    """Numbers that :meth:`NetworkInputs.at_decoder` makes of a block of so many values."""
    return values_at_encoder(values, classes) + GROUPS


def grouped(values: ByClass) -> Float[Tensor, "batch rows groups"]:
    """Average over groups of neighbouring coefficients."""
    return values.unflatten(2, (GROUPS, -1)).mean(3)


def as_grid(blocks: Blocks, columns: int) -> Float[Tensor, "batch values rows columns"]:
    """Values of blocks in raster order, ``columns`` a row, as features of a picture."""
    return blocks.unflatten(1, (-1, columns)).movedim(3, 1)


def as_blocks(features: Float[Tensor, "batch values rows columns"]) -> Blocks:
    """Undo :func:`as_grid`."""
    return features.movedim(1, 3).flatten(1, 2)


def network_input(images: Images, deviation: Images) -> Float[Tensor, "batch 6 height width"]:
    """A picture and the expected deviation of its pixels, about -1 to 1, as networks take them in.

    Colours last in memory: with as few features as networks have at this resolution that is twice as fast.
    """
    seen = torch.cat([images - 0.5, deviation.clamp_min(1e-3).log() / 3 + 1], 1)
    return seen.contiguous(memory_format=torch.channels_last)

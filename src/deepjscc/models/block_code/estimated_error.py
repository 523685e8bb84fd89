"""The receiver's own estimate of the error of its picture, from posterior variances and from the powers it received.

Of y = s c + n with variance v of c, both known, the LMMSE estimate leaves v t, t = 1 / (1 + q), q = s^2 v / N. Where
the coefficients of this image have r times the variance of the tables it leaves r v t^2 + v q t^2 instead, and r shows
in the received powers: E|y|^2 = r s^2 v + N. The ratio r is taken for each class and group of like coefficients; of
those that nothing was received of, that of the next stronger group.
"""

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from deepjscc.models.block_code.allocation import Allocation, Variances, symbol_ratio
from deepjscc.models.block_code.calibration import GROUPS, ErrorCalibration, Groups, sum_groups
from deepjscc.models.block_code.side_info import BlockPlan, DecodedSideInfo
from deepjscc.models.block_code.transform import Blocks

PRIOR = 20.0  # coefficients received without noise whose weight the tables' own variances have
MOST, LEAST = 20.0, 0.05  # ratio of an image's variances to those of the tables
LEAST_NOISE = 1e-12
ROUNDING = 1 / 12 / 255**2  # mean squared error of rounding to 8 bits
ByClass = Float[Tensor, "batch classes groups"]


class ErrorEstimate:
    """Sums over the strips of a batch of images, and the errors that follow.

    Args:
        batch: number of images.
        classes: that tables tell apart, the average one included.
    """

    def __init__(self, batch: int, classes: int) -> None:
        self._sums = torch.zeros(5, batch, classes, GROUPS, dtype=torch.float64)

    @torch.no_grad()
    def add_strip(
        self, observed: Blocks, noise: Blocks, allocation: Allocation, variances: Variances, run: tuple[int, int]
    ) -> None:
        """:meth:`add` of the blocks from ``run[0]`` to ``run[1]`` of images that were sent by an allocation."""
        classes = allocation.classes[:, run[0] : run[1]]
        self.add(observed, noise, allocation.of_blocks(allocation.scale, *run), variances[classes], classes)

    @torch.no_grad()
    def add(
        self, observed: Blocks, noise: Blocks, scale: Blocks, variance: Blocks, classes: Int[Tensor, "b n"]
    ) -> None:
        """Take the blocks of a strip in.

        Args:
            observed: y, scaled as it was sent; 0 of what was not sent.
            noise: variance of n; infinite of what was not sent.
            scale: s.
            variance: v.
            classes: of the blocks.
        """
        noise = noise.clamp_min(LEAST_NOISE)
        snr = variance * scale.square() / noise
        trust = 1 / (1 + snr)
        weight = snr * trust  # of one coefficient received without noise: 1
        sent = (snr > 0).to(variance)
        left = variance * trust.square()
        parts = (
            left * sent,
            left * snr,
            variance * (1 - sent),
            weight * trust * (observed.square() / noise - 1),
            weight.square(),
        )
        for total, part in zip(self._sums, parts, strict=True):
            grouped = sum_groups(part).double().cpu()
            for own, blocks, kinds in zip(total, grouped, classes.cpu(), strict=True):
                own.index_add_(0, kinds, blocks)

    @torch.no_grad()
    def mse(
        self,
        plan: BlockPlan,
        side_info: DecodedSideInfo,
        values: int,
        weights: Float[Tensor, " batch"] | None,
        calibration: ErrorCalibration | None,
    ) -> Float[Tensor, " batch"]:
        """Mean squared error of each image on 8 bits; NaN of one that was sent as its mean colour.

        Args:
            plan: by which the batch was sent.
            side_info: as it was decoded.
            values: of a block.
            weights: of the networks around the code; None: there are none.
            calibration: of the code; None: there is none.
        """
        groups = self.by_group(side_info.gain, plan.grid[0] * plan.grid[1] * values)
        closed, known = (groups[0] + groups[1]).sum(1).tolist(), calibration or ErrorCalibration()
        own = torch.ones(len(closed)) if weights is None else weights
        links = zip(plan.snr_db, symbol_ratio(plan.allocation, values), side_info.gain, own, strict=True)
        errors = [
            known.corrected(mse, *(float(one) for one in link)) + ROUNDING
            for mse, link in zip(closed, links, strict=True)
        ]
        return torch.tensor([math.nan if index in side_info.mean_colour else one for index, one in enumerate(errors)])

    @torch.no_grad()
    def by_group(self, gain: Float[Tensor, " batch"], values: int) -> tuple[Groups, Groups]:
        """Mean squared errors of the sent and of the other coefficients, on the scale of images, ``[batch, groups]``.

        Args:
            gain: by which each image was scaled.
            values: of the padded image.
        """
        signal, noise, silent, power, weight = self._sums
        ratio = ((power + PRIOR) / (weight + PRIOR)).clamp(LEAST, MOST)
        for group in range(1, GROUPS):
            unknown: Bool[Tensor, "b c"] = weight[..., group] < 1
            ratio[..., group] = torch.where(unknown, ratio[..., group - 1], ratio[..., group])
        scale = 1 / (gain.double().cpu().square()[:, None] * values)
        return ((ratio * signal + noise).sum(1) * scale, (ratio * silent).sum(1) * scale)

"""What the transmitter of a block code expects of one image at every bandwidth ratio, in closed form."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from deepjscc.models.block_code.allocation import expected_errors, symbol_ratio
from deepjscc.models.block_code.calibration import ErrorCalibration, Groups, sum_groups
from deepjscc.models.block_code.classes import Tables
from deepjscc.models.block_code.side_info import BlockPlan, Budget, plan_to_send
from deepjscc.types import SnrDb
from deepjscc.units import noise_variance


@dataclass(frozen=True)
class ExpectedErrors:
    """The closed form's expectation of one image.

    Attributes:
        plan: how it would be sent.
        sent: mean squared error by group of coefficients, of those that are sent, on the scale of images, ``[groups]``.
        silent: likewise of those that are not.
        values: of a block.
    """

    plan: BlockPlan
    sent: Groups
    silent: Groups
    values: int

    @property
    def mse(self) -> float:
        """Mean squared error of a pixel value, on the scale of images."""
        return float((self.sent + self.silent).sum())

    def left_by_networks(self, weight: float, calibration: ErrorCalibration | None) -> float:
        """Mean squared error that networks of some weight leave; without a calibration that of the closed form."""
        if calibration is None or not weight:
            return self.mse
        ratio = float(symbol_ratio(self.plan.allocation, self.values))
        return calibration.mse(self.sent, self.silent, float(self.plan.snr_db), ratio, weight)


@dataclass(frozen=True)
class DescribedImage:
    """One image as the closed form sees it: classes and energies, without its pixels.

    Attributes:
        tables: of the code.
        classes: of every block.
        energy: sum of the squared coefficients over the blocks of each class.
        grid: rows and columns of blocks.
    """

    tables: Tables
    classes: Int[Tensor, "1 blocks"]
    energy: Float[Tensor, "1 classes values"]
    grid: tuple[int, int]

    def expect(self, snr_db: SnrDb, budget: Budget) -> ExpectedErrors:
        """The error that the LMMSE receiver leaves, :func:`deepjscc.models.block_code.allocation.expected_error`.

        Args:
            snr_db: of the channel, in dB, which the transmitter knows, ``[1]``.
            budget: channel uses to spend.
        """
        plan, (coded,) = plan_to_send(self.tables, self.classes, self.energy, self.grid, snr_db, budget)
        none = torch.zeros_like(self.energy)
        # Without a map all blocks count as of the average class, the last.
        energy = F.pad(self.energy, (0, 0, 0, 1)) if coded.index else torch.cat([none, self.energy.sum(1, True)], 1)
        errors = expected_errors(plan.allocation, energy, self.tables.variances, noise_variance(snr_db))
        values = self.classes.shape[1] * energy.shape[2]
        sent, silent = (sum_groups(one.sum((0, 1))) / values for one in errors)
        return ExpectedErrors(plan, sent, silent, energy.shape[2])

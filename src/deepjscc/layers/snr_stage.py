"""Stages of an SNR-adaptive autoencoder: a change of resolution by two, two residual blocks, conditioning on the SNR.

`gate` is the report's SNR attention: every feature behind the stage is multiplied by a sigmoid of the SNR. `film` is
the stronger form: scale and shift inside every residual block, of features that are normalised first.

A chain of gated stages learns only if signals and gradients keep their size through it. With the default
initialisation each stage divides both by about three (see :mod:`deepjscc.layers.initialise`), so the gated stages start
near the identity: their convolutions preserve the variance, their residual branches are small, their gates are open,
and the PReLUs behind the residual additions have slope 1, so that no feature loses its negative half.
"""

import itertools
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from deepjscc.layers.initialise import open_gate, preserve_variance
from deepjscc.layers.residual import ConditionedResidual, Features

Conditioning = Literal["gate", "film"]
Condition = Float[Tensor, "batch condition"]
HIDDEN = 64
KERNEL = 5
SLOPE = 0.25  # of the PReLU inside a residual branch at first
PASSING_SLOPE = 1.0  # of the PReLUs behind the additions at first: a stage passes negative features on whole
BRANCH_GAIN = 0.1  # of the last convolution of a residual branch at first: the stage starts near the identity


class GatedResiduals(nn.Module):
    """Two residual blocks with PReLU, then every feature times sigmoid(MLP(condition)).

    Args:
        width: number of features.
        condition: length of the condition.
    """

    def __init__(self, width: int, condition: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(width, width, 3, padding=1),
                nn.PReLU(width, SLOPE),
                nn.Conv2d(width, width, 3, padding=1),
            )
            for _ in range(2)
        )
        self.bends = nn.ModuleList(nn.PReLU(width, PASSING_SLOPE) for _ in range(2))
        last = nn.Linear(HIDDEN, width)
        self.gate = nn.Sequential(nn.Linear(condition, HIDDEN), nn.ReLU(), last, nn.Sigmoid())
        for block in self.blocks:
            assert isinstance(block, nn.Sequential)
            into, out_of = block[0], block[2]
            assert isinstance(into, nn.Conv2d)
            assert isinstance(out_of, nn.Conv2d)
            preserve_variance(into, slope=SLOPE)
            preserve_variance(out_of, gain=BRANCH_GAIN)
        open_gate(last)

    def forward(self, features: Features, condition: Condition) -> Features:
        """Refine features at one resolution."""
        for block, bend in zip(self.blocks, self.bends, strict=True):
            features = bend(features + block(features))
        return features * self.gate(condition)[..., None, None]


class FilmResiduals(nn.Module):
    """Two residual blocks, scaled and shifted inside by the condition; at first the identity.

    Args:
        width: number of features.
        condition: length of the condition.
    """

    def __init__(self, width: int, condition: int) -> None:
        super().__init__()
        self.condition = nn.Sequential(nn.Linear(condition, HIDDEN), nn.SiLU())
        self.blocks = nn.ModuleList(ConditionedResidual(width, HIDDEN) for _ in range(2))

    def forward(self, features: Features, condition: Condition) -> Features:
        """Refine features at one resolution."""
        condition_features = self.condition(condition)
        for block in self.blocks:
            features = block(features, condition_features)
        return features


RESIDUALS: dict[Conditioning, type[GatedResiduals] | type[FilmResiduals]] = {
    "gate": GatedResiduals,
    "film": FilmResiduals,
}


class Down(nn.Module):
    """A 5x5 convolution of stride two, then residual blocks.

    Args:
        inputs, width: features before and after.
        condition: length of the condition.
        conditioning: the form of the conditioning, `gate` or `film`.
    """

    def __init__(self, inputs: int, width: int, condition: int, conditioning: Conditioning) -> None:
        super().__init__()
        self.halve = nn.Conv2d(inputs, width, KERNEL, stride=2, padding=KERNEL // 2)
        self.residuals = RESIDUALS[conditioning](width, condition)
        if conditioning == "gate":
            preserve_variance(self.halve, slope=PASSING_SLOPE)

    def forward(
        self, features: Float[Tensor, "batch inputs rows columns"], condition: Condition
    ) -> Float[Tensor, "batch width half_rows half_columns"]:
        """Halve the resolution."""
        return self.residuals(self.halve(features), condition)


class Up(nn.Module):
    """Residual blocks, then a 5x5 transposed convolution of stride two.

    Args:
        width, outputs: features before and after.
        condition: length of the condition.
        conditioning: the form of the conditioning, `gate` or `film`.
    """

    def __init__(self, width: int, outputs: int, condition: int, conditioning: Conditioning) -> None:
        super().__init__()
        self.residuals = RESIDUALS[conditioning](width, condition)
        self.enlarge = nn.ConvTranspose2d(width, outputs, KERNEL, 2, KERNEL // 2, output_padding=1)
        if conditioning == "gate":
            preserve_variance(self.enlarge, slope=PASSING_SLOPE)

    def forward(
        self, features: Features, condition: Condition
    ) -> Float[Tensor, "batch outputs double_rows double_columns"]:
        """Double the resolution."""
        return self.enlarge(self.residuals(features, condition))


class Pyramid(nn.Module):
    """Stages one after another, all with the same condition.

    Args:
        stages: :class:`Down` or :class:`Up`.
    """

    def __init__(self, *stages: Down | Up) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)

    def forward(
        self, features: Float[Tensor, "batch inputs rows columns"], condition: Condition
    ) -> Float[Tensor, "batch outputs other_rows other_columns"]:
        """Apply all stages, with channels last in memory, which makes the convolutions faster."""
        features = features.contiguous(memory_format=torch.channels_last)
        for stage in self.stages:
            features = stage(features, condition)
        return features


def downwards(widths: tuple[int, ...], condition: int, conditioning: Conditioning) -> Pyramid:
    """Make stages from ``widths[0]`` features to ``widths[-1]`` at 1/2^(len - 1) of the resolution."""
    pairs = itertools.pairwise(widths)
    return Pyramid(*(Down(inputs, width, condition, conditioning) for inputs, width in pairs))


def upwards(widths: tuple[int, ...], condition: int, conditioning: Conditioning) -> Pyramid:
    """Make stages from ``widths[0]`` features to ``widths[-1]`` at 2^(len - 1) times the resolution."""
    pairs = itertools.pairwise(widths)
    return Pyramid(*(Up(width, outputs, condition, conditioning) for width, outputs in pairs))

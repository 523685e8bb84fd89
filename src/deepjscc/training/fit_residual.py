"""Fitting `residual_code` to photographs and their digital bases: the tree of classes, variances and frequencies."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from deepjscc.errors import UsageError
from deepjscc.models.residual_code import ResidualCode
from deepjscc.models.residual_code import levels as coding
from deepjscc.models.residual_code.code import with_quality
from deepjscc.models.residual_code.features import block_features
from deepjscc.models.residual_code.levels import LARGEST, STEPS_PER_OCTAVE
from deepjscc.models.residual_code.transform import BANDS
from deepjscc.types import Image8

MOST_BLOCKS = 120_000  # from which the tree is grown, evenly spread over the pairs
FEWEST = 300  # blocks of those in a leaf
THRESHOLDS = 32  # quantiles of a feature that a split may lie at
NEGLIGIBLE = 0.1  # share of the mean square below which it does not matter how weak a coefficient is
_LOG_FLOOR = -10 * STEPS_PER_OCTAVE  # of the tables: 30 dB below the mean square
Pair = tuple[Image8, Image8]


@runtime_checkable
class Pairs(Protocol):
    """Images and their decoded bases, by index."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Pair: ...


Progress = Callable[[int, int], object]


def fit_residual_code(
    pairs: Pairs,
    block: int = 16,
    classes: int = 64,
    groups: int = 4,
    on_progress: Progress = lambda done, of: None,
) -> ResidualCode:
    """Learn the residual code from photographs and what a codec makes of them.

    The tree is grown leaf by leaf: each time the leaf and threshold are taken that raise the likelihood of zero-mean
    Gaussian coefficients most, their variances averaged over bands of frequencies (Breiman et al. 1984, with this
    likelihood as the measure of purity).

    Args:
        pairs: 8-bit images and their decoded bases, at several qualities; each is read twice.
        block: side of the blocks in pixels.
        classes: leaves of the tree.
        groups: of classes with corrections of their own.
        on_progress: called with passes over the pairs done and to do, in pairs.

    Raises:
        UsageError: too few blocks for so many classes.
    """
    code = ResidualCode(block, classes, groups).eval()
    number = len(pairs)
    total = 2 * number
    blocks = sum(math.prod(-(-side // block) for side in pairs[index][0].shape[1:]) for index in range(number))
    every = max(1, blocks // MOST_BLOCKS)
    features, bands = [], []
    sums, sizes = _purity_bands(block)
    for index, measured in enumerate(_measure(code, pairs)):
        features.append(measured.features[index % every :: every])
        bands.append(measured.energy[index % every :: every] @ sums)
        on_progress(index + 1, total)
    if blocks // every < 2 * classes:
        raise UsageError(f"{blocks} blocks are too few for {classes} classes; give more photographs")
    splits = _grow(torch.cat(features).numpy(), torch.cat(bands).numpy(), sizes, classes)
    for place, name in enumerate(("leaf", "feature", "threshold")):
        getattr(code.tree, name)[: len(splits)] = torch.tensor([split[place] for split in splits])
    _fit_tables(code, pairs, lambda done: on_progress(number + done, total))
    return code


@dataclass(frozen=True)
class _Measured:
    """One pair: features of its blocks, their energies over the mean square, and its quality."""

    features: Int[Tensor, "blocks features"]
    energy: Float[Tensor, "blocks values"]
    quality: int


def _measure(code: ResidualCode, pairs: Pairs) -> Iterator[_Measured]:
    for index in range(len(pairs)):
        image, base = pairs[index]
        residual = (image.float() - base.float()) / 255
        mean_square = max(float(residual.double().square().mean()) * 255**2, 1e-6)
        quality = coding.quality_of(mean_square)
        coefficients = torch.cat([run for _, run in code.read_blocks(residual)])
        features = with_quality(block_features(base, code.block), quality)
        yield _Measured(features, coefficients.square() / mean_square, quality)


def _purity_bands(block: int) -> tuple[Float[Tensor, "values bands"], NDArray[np.float64]]:
    """Return the bands that a split judges together: three directions of frequency rings, for every colour plane."""
    place = torch.arange(block)
    radius = (place.square() + place.square()[:, None]).double().sqrt() * 16 / block
    ring = torch.bucketize(radius, torch.tensor([2, 4, 6, 8, 10, 12, 15]).double(), right=True)
    direction = (place - place[:, None]).sign() + 1
    plane = (3 * ring + direction).flatten()
    index = torch.cat([plane + 24 * colour for colour in range(3)])
    used, index = index.unique(return_inverse=True)
    members = torch.nn.functional.one_hot(index, len(used)).float()
    return members, members.sum(0).double().numpy()


def _grow(
    features: NDArray[np.int32], energy: NDArray[np.float32], sizes: NDArray[np.float64], classes: int
) -> list[tuple[int, int, int]]:
    """Splits in the order made: leaf, feature, threshold; fewer than ``classes - 1`` where nothing is left to gain."""
    quantiles = np.linspace(0, 1, THRESHOLDS + 1)[1:-1]
    edges = [np.unique(np.quantile(column, quantiles, method="nearest")) for column in features.T]
    codes = np.stack([np.searchsorted(edge, column) for edge, column in zip(edges, features.T, strict=True)], 1)
    fewest = min(FEWEST, max(1, len(features) // (4 * classes)))

    def likelihood(total: NDArray[np.float64], count: NDArray[np.int64]) -> NDArray[np.float64]:
        mean = total / np.maximum(count, 1)[..., None] / sizes
        result: NDArray[np.float64] = -count * (sizes * np.log(mean + NEGLIGIBLE)).sum(-1)
        return result

    def best(members: NDArray[np.int64]) -> tuple[float, int, int]:
        own, found = energy[members].astype(np.float64), (0.0, 0, 0)
        total, count = own.sum(0), len(members)
        before = float(likelihood(total[None], np.array([count]))[0])
        for feature, edge in enumerate(edges):
            code, bins = codes[members, feature], len(edge) + 1
            below = np.stack([np.bincount(code, band, bins) for band in own.T], 1).cumsum(0)[:-1]
            number = np.bincount(code, minlength=bins).cumsum()[:-1]
            gain = likelihood(below, number) + likelihood(total - below, count - number) - before
            gain[(number < fewest) | (count - number < fewest)] = 0
            if len(gain) and gain.max() > found[0]:
                found = (float(gain.max()), feature, int(gain.argmax()))
        return found

    leaves = [np.arange(len(features))]
    gains, splits = [best(leaves[0])], []
    while len(leaves) < classes and max(gains)[0] > 0:
        leaf = max(range(len(leaves)), key=lambda index: gains[index][0])
        _, feature, edge = gains[leaf]
        splits.append((leaf, feature, int(edges[feature][edge])))
        members = leaves[leaf]
        lower = codes[members, feature] <= edge
        leaves[leaf] = members[lower]
        leaves.append(members[~lower])
        gains[leaf] = best(leaves[leaf])
        gains.append(best(leaves[-1]))
    return splits


def _fit_tables(code: ResidualCode, pairs: Pairs, on_progress: Callable[[int], object]) -> None:
    """Variances of every class, and how frequent the corrections are."""
    energies, counts, qualities = [], [], []
    for index, measured in enumerate(_measure(code, pairs)):
        classes = code.tree(measured.features)
        energy = torch.zeros(code.classes, len(code.transform))
        energies.append(energy.index_add_(0, classes, measured.energy))
        counts.append(torch.bincount(classes, minlength=code.classes))
        qualities.append(measured.quality)
        on_progress(index + 1)
    energy, blocks = torch.stack(energies).double().sum(0), torch.stack(counts).sum(0)
    variances = torch.where((blocks > 0)[:, None], energy / blocks.clamp_min(1)[:, None], energy.sum(0) / blocks.sum())
    logarithm = (STEPS_PER_OCTAVE * variances.clamp_min(1e-12).log2()).round().clamp_min(_LOG_FLOOR)
    code.log_variance.copy_(logarithm.to(torch.int16))
    # Corrections seen rarely lean on a two-sided geometric distribution.
    geometric = 0.5 ** (torch.arange(2 * LARGEST + 1) - LARGEST).abs().double()
    often = 4 * geometric / geometric.sum() + torch.zeros(BANDS, 1)
    for quality, own, own_energy in zip(qualities, counts, energies, strict=True):
        mean_square = 2 ** (coding.log_mean_square(quality) / STEPS_PER_OCTAVE)
        levels = code.levels_of(quality, own, own_energy.double() * mean_square)
        often += torch.nn.functional.one_hot(levels.corrections + LARGEST, 2 * LARGEST + 1).sum(0)
    code.correction_frequency.copy_(often.log())

"""`residual_code`: the analog layer of a hybrid, which carries what a decoded digital base leaves of an image.

    image - base ─► DCT of blocks ─► order and powers by class ─► symbols ─► channel ─► LMMSE ─► inverse DCT ─► + base
                                          ▲
    base ─► activity of blocks ─► decision tree ─► classes, at both ends alike

The classes follow from the base's pixels in integer arithmetic, so no class map is sent: a few bytes say how strong the
residual is (:mod:`deepjscc.models.residual_code.levels`) and the quantised gain restores its scale.
"""

import math
from collections.abc import Iterator
from typing import Any, ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from deepjscc.errors import UsageError
from deepjscc.models.block_code.header import Header
from deepjscc.models.block_code.tiling import Strip, strips
from deepjscc.models.residual_code import levels as coding
from deepjscc.models.residual_code.classes import ClassTree
from deepjscc.models.residual_code.features import WINDOW, block_features
from deepjscc.models.residual_code.levels import LARGEST, STEPS_PER_OCTAVE, Levels
from deepjscc.models.residual_code.results import (
    Base,
    ModulatedResidual,
    Residual,
    ResidualEstimate,
    ResidualStatistics,
    Symbols,
)
from deepjscc.models.residual_code.stream import ByClass, StreamPlan, expected_squared_error, plan_stream
from deepjscc.models.residual_code.transform import (
    BANDS,
    band_of_coefficients,
    block_transform,
    edge_rows,
    from_blocks,
    to_blocks,
)
from deepjscc.symbols import to_latent, to_symbols

STEP = 255.0  # 8-bit steps in a value of 1, the unit that the tables are in


class ResidualCode(nn.Module):
    """An analog block code of residuals for any size, SNR and number of channel uses.

    Both ends need the base exactly; floating-point differences between machines change neither classes nor order.

    Args:
        block: side of the blocks in pixels: 4, 8 or 16.
        classes: of blocks, the leaves of the decision tree.
        groups: of classes, each of which has corrections of its own in the side information.
    """

    kind: ClassVar[str] = "residual_code"
    log_variance: Int[Tensor, "classes values"]
    correction_frequency: Float[Tensor, "bands steps"]
    transform: Float[Tensor, "values values"]

    def __init__(self, block: int = 16, classes: int = 64, groups: int = 4) -> None:
        super().__init__()
        if block not in (4, 8, 16):
            raise UsageError(f"blocks of residuals are 4, 8 or 16 pixels a side, not {block}")
        self.config: dict[str, Any] = {"block": block, "classes": classes, "groups": groups}
        self.block, self.classes, self.groups = block, classes, min(groups, classes)
        values = 3 * block**2
        self.tree = ClassTree(classes)
        # Logarithm of a coefficient's variance over the residual's mean square, in whole steps: sorted alike anywhere.
        self.register_buffer("log_variance", torch.zeros(classes, values, dtype=torch.int16))
        self.register_buffer("correction_frequency", torch.zeros(BANDS, 2 * LARGEST + 1))
        self.register_buffer("transform", block_transform(block), persistent=False)

    def classes_of(self, base: Base, quality: int) -> Int[Tensor, " blocks"]:
        """Class of every block of the base, in raster order over the picture padded to whole 16-pixel windows.

        Args:
            base: decoded 8-bit picture.
            quality: index of the residual's mean square, from the side information.
        """
        return self.tree(with_quality(block_features(base, self.block), quality))

    def describe(self, residual: Residual, base: Base) -> ResidualStatistics:
        """Measure a residual: its energy in each class, and the side information.

        Args:
            residual: image minus base, on the scale of images.
            base: decoded 8-bit picture of the same size.
        """
        quality = coding.quality_of(float(residual.double().square().mean()) * STEP**2)
        classes = self.classes_of(base, quality)
        counts = torch.bincount(classes, minlength=self.classes)
        energy = torch.zeros(self.classes, len(self.transform), dtype=torch.float64, device=classes.device)
        for strip, coefficients in self.read_blocks(residual):
            energy.index_add_(0, classes[strip], coefficients.double().square())
        return self.statistics_of(quality, counts, energy)

    def statistics_of(self, quality: int, counts: Int[Tensor, " classes"], energy: ByClass) -> ResidualStatistics:
        """:meth:`describe` from energies; see :meth:`levels_of`."""
        levels = self.levels_of(quality, counts, energy)
        side_info = coding.pack(levels, self._sum_groups(counts), self.correction_frequency)
        return ResidualStatistics(side_info, counts, energy, self._variances(quality, levels.corrections))

    def levels_of(self, quality: int, counts: Int[Tensor, " classes"], energy: ByClass) -> Levels:
        """Levels of an image: what its residual's energy is against the tables.

        Args:
            quality: index of the residual's mean square.
            counts: blocks of each class.
            energy: sum of the squared coefficients of each class, in squared 8-bit steps.
        """
        expected = self._sum_bands(self._variances(quality) * counts[:, None])
        ratio = self._sum_bands(energy) / expected.clamp_min(1e-30)
        return Levels(quality, coding.measure(ratio, self._sum_groups(counts)))

    def expected_error(
        self, statistics: ResidualStatistics, reals: int, snr: float, planned_snr: float | None = None
    ) -> float:
        """Mean squared error of a pixel value that the LMMSE receiver leaves, on the scale of images.

        Args:
            statistics: of the image.
            reals: real channel uses, twice the complex ones; 0 gives the error of the base alone.
            snr: linear, of the analog layer after subtraction of the base.
            planned_snr: linear, that the powers are for; None: the same.
        """
        counts, variances = statistics.counts, statistics.variances
        plan = plan_stream(counts, variances, reals, 1 / (planned_snr or snr))
        error = expected_squared_error(plan, statistics.energy, counts, variances, 1 / snr)
        return error / (int(counts.sum()) * len(self.transform)) / STEP**2

    def posterior_error(
        self, statistics: ResidualStatistics, reals: int, snr: float, planned_snr: float, gain: float
    ) -> float:
        """Mean squared error that the posterior variances of the receiver say; the tables differ from the image.

        Args:
            statistics: of the image.
            reals: real channel uses, twice the complex ones.
            snr: linear, of the analog layer after subtraction of the base.
            planned_snr: linear, that the powers are for.
            gain: quantised, of :meth:`modulate`.

        Returns:
            The mean of :attr:`ResidualEstimate.error_variance` over the image.
        """
        counts, variances = statistics.counts[:, None], statistics.variances
        plan = plan_stream(statistics.counts, variances, reals, 1 / planned_snr)
        left = plan.sent * variances / (1 + variances * plan.scale.square() * snr) + (counts - plan.sent) * variances
        return float(left.sum()) / gain**2 / (int(counts.sum()) * len(self.transform)) / STEP**2

    def modulate(
        self, residual: Residual, base: Base, statistics: ResidualStatistics, uses: int, snr_db: float
    ) -> ModulatedResidual:
        """Symbols of the analog layer.

        Args:
            residual: image minus base, on the scale of images.
            base: decoded 8-bit picture.
            statistics: by :meth:`describe`.
            uses: complex channel uses.
            snr_db: of the analog layer after subtraction of the base, as planned; the receiver must know it too.
        """
        classes, _, plan = self._plan(base, statistics.side_info, uses, snr_db)
        rank = rank_in_class(classes, self.classes)
        latent = torch.zeros(2 * uses + 1, device=residual.device)  # the last place takes what is not sent
        for strip, coefficients in self.read_blocks(residual):
            places = self._places(plan, classes[strip], rank[strip])
            latent[places] = coefficients * plan.scale.float()[classes[strip]]
        latent = latent[:-1]
        power = float(latent.double().square().mean())
        gain = power**-0.5 if power > 0 else 1.0
        # Power 1 of a complex symbol is 1/2 per real.
        symbols = to_symbols((latent * (gain / math.sqrt(2)))[None])[0]
        return ModulatedResidual(symbols, Header.of(0.0, gain).gain_index)

    def estimate(
        self,
        symbols: Symbols,
        noise_variance: Float[Tensor, " uses"],
        base: Base,
        side_info: bytes,
        gain: float,
        snr_db: float,
    ) -> ResidualEstimate:
        """LMMSE estimate of the residual.

        Args:
            symbols: received, equalised, the base subtracted, scaled so that the analog layer has unit power.
            noise_variance: of each symbol on that scale, complex (N0).
            base: decoded 8-bit picture.
            side_info: of :meth:`describe`.
            gain: quantised, of :meth:`modulate`.
            snr_db: planned, as given to :meth:`modulate`.

        Raises:
            UsageError: damaged side information.
        """
        uses = len(symbols)
        classes, variances, plan = self._plan(base, side_info, uses, snr_db)
        rank = rank_in_class(classes, self.classes)
        latent = torch.cat([to_latent(symbols[None], 2 * uses)[0] * math.sqrt(2), symbols.real.new_zeros(1)])
        noise = torch.cat([noise_variance.repeat_interleave(2), noise_variance.new_full((1,), torch.inf)])
        rows, columns = (-(-side // WINDOW) * WINDOW // self.block for side in base.shape[1:])
        scale, variance = plan.scale.float(), variances.float()  # of the coefficients times the gain
        pictures, errors = [], []
        for strip in strips((rows, columns), self.block**2, 0):
            run = _run(strip, columns)
            places = self._places(plan, classes[run], rank[run])
            factor, prior = scale[classes[run]], variance[classes[run]]
            certain = factor / noise[places].clamp_min(1e-20)
            error = prior / (1 + prior * factor * certain)
            estimate = latent[places] * error * certain / gain
            pictures.append(from_blocks(estimate @ self.transform, self.block, columns))
            errors.append(error.mean(1).view(-1, columns) / gain**2)
        picture = torch.cat(pictures, 1)[:, : base.shape[1], : base.shape[2]]
        return ResidualEstimate(picture / STEP, torch.cat(errors) / STEP**2)

    def _plan(
        self, base: Base, side_info: bytes, uses: int, snr_db: float
    ) -> tuple[Int[Tensor, " blocks"], ByClass, StreamPlan]:
        """Classes of the blocks, variances of the image and order of the stream, at both ends alike."""
        classes = self.classes_of(base, coding.quality_in(side_info))
        counts = torch.bincount(classes, minlength=self.classes)
        levels = coding.unpack(side_info, self._sum_groups(counts), self.correction_frequency)
        variances = self._variances(levels.quality, levels.corrections.to(classes.device))
        return classes, variances, plan_stream(counts, variances, 2 * uses, 10 ** (-snr_db / 10))

    def _variances(self, quality: int, corrections: coding.Corrections | None = None) -> ByClass:
        """Variances in squared 8-bit steps, from whole logarithms."""
        logarithm = self.log_variance.long() + coding.log_mean_square(quality)
        if corrections is not None:
            by_class = corrections[self.tree.groups(self.groups)]
            logarithm = logarithm + coding.PER_LEVEL * by_class[:, band_of_coefficients(self.block)]
        return torch.exp2(logarithm.double() / STEPS_PER_OCTAVE)

    def _sum_groups(self, by_class: Tensor) -> Tensor:
        """Sum over the classes of each group."""
        total = by_class.new_zeros(self.groups, *by_class.shape[1:])
        return total.index_add_(0, self.tree.groups(self.groups), by_class)

    def _sum_bands(self, by_class: ByClass) -> Float[Tensor, "groups bands"]:
        """Sum over the classes of each group and the coefficients of each band."""
        by_group = self._sum_groups(by_class)
        bands = band_of_coefficients(self.block).to(by_group.device)
        return by_group.new_zeros(self.groups, BANDS).index_add_(1, bands, by_group)

    def _places(
        self, plan: StreamPlan, classes: Int[Tensor, " run"], rank: Int[Tensor, " run"]
    ) -> Int[Tensor, "run values"]:
        """Place of every coefficient in the stream; ``reals`` for those that are not sent."""
        return (plan.start[classes] + rank[:, None]).clamp_max(plan.reals)

    def read_blocks(self, residual: Residual) -> Iterator[tuple[slice, Float[Tensor, "run values"]]]:
        """Coefficients of one run of blocks after another, in 8-bit steps: which blocks, and what they hold."""
        height, width = (-(-side // WINDOW) * WINDOW for side in residual.shape[1:])
        columns = width // self.block
        for strip in strips((height // self.block, columns), self.block**2, 0):
            rows = edge_rows(residual, strip.first * self.block, strip.last * self.block, width)
            yield _run(strip, columns), to_blocks(rows * STEP, self.block) @ self.transform.T


def with_quality(features: Int[Tensor, "blocks _features"], quality: int) -> Int[Tensor, "blocks _all"]:
    """Features with the quality of the whole base as the last."""
    return torch.cat([features, features.new_full((len(features), 1), quality)], 1)


def rank_in_class(classes: Int[Tensor, " blocks"], number: int) -> Int[Tensor, " blocks"]:
    """How many blocks of the same class come before each block."""
    order = classes.argsort(stable=True)
    counts = torch.bincount(classes, minlength=number)
    first = (counts.cumsum(0) - counts)[classes[order]]
    rank = torch.empty_like(classes)
    rank[order] = torch.arange(len(classes), device=classes.device) - first
    return rank


def _run(strip: Strip, columns: int) -> slice:
    return slice(strip.first * columns, strip.last * columns)

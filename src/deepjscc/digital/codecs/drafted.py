"""Codecs that take long for one picture: quick drafts model the size over the level, two or three codings finish."""

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from deepjscc.digital.codecs.base import LevelCodec, Source
from deepjscc.digital.codecs.rates import RateStore
from deepjscc.digital.codecs.search import SizeModel, ascending, largest_that_fits
from deepjscc.threads import side_by_side
from deepjscc.types import Image8

CORRECTIONS = 3  # codings at most that correct the drafts of another codec
_LEAST = 1e-6  # in place of an error of 0, which constant pictures have


@dataclass(frozen=True)
class Plan:
    """The start of the search for a budget, and the model of the sizes that it uses.

    Attributes:
        variant: index of the variant with the least error at this budget, by the drafts.
        anchor: level of the first coding, a multiple of the stride; nearby budgets share it.
        model: logarithm of the drafts' size over the level.
    """

    variant: int
    anchor: int
    model: SizeModel


class DraftedCodec(LevelCodec):
    """A slow codec that plans with drafts: the same picture and level, coded quickly and somewhat worse.

    The sizes of drafts and codings differ by a factor that hardly changes over neighbouring levels. So drafts at every
    ``stride``-th level (the anchors) bracket the budget and choose the variant, one coding at the nearest anchor
    measures the factor, and a second one, seldom a third, meets the budget. Codings are kept on disk
    (:class:`deepjscc.digital.codecs.rates.RateStore`); which levels are coded depends on the picture and the budget
    alone.

    Attributes:
        stride: levels between two anchors.
        typical_ratio: size of a coding over that of its draft, on average.
        gains_over_drafts_db: for each variant by how much more than the others it gains from the slower settings, in
            dB at equal size; empty: all alike.
    """

    stride: int
    typical_ratio: float = 1.0
    gains_over_drafts_db: tuple[float, ...] = ()
    enough = 0.985

    @property
    def settings(self) -> str:
        """All that :meth:`compress` depends on beside its arguments, versions above all."""
        raise NotImplementedError

    def draft(self, source: Source, level: int, variant: int) -> bytes:
        """A quick coding at an anchor, by :attr:`drafter`; the coding itself where there is no quicker one."""
        return self.code(source, level, variant)

    @property
    def drafter(self) -> LevelCodec:
        """The codec that counts and decodes the drafts."""
        return self

    @cached_property
    def _store(self) -> RateStore:
        return RateStore(type(self).__name__.lower(), self.settings)

    def code(self, source: Source, level: int, variant: int) -> bytes:
        """One picture at one level and variant (an index), coded now or taken from memory or disk."""

        def make() -> bytes:
            data = self._store.get(source.key, variant, level)
            if not data:
                data = self.compress(source.picture, level, self.variants[variant])
                self._store.put(source.key, variant, level, data)
            return data

        return self._cached((source.key, level, variant), make)

    def search(self, source: Source, max_bytes: int) -> bytes | None:
        """The best coding within a budget, or None."""
        plan, model = self.plan(source, max_bytes), None
        if self.drafter is not self:  # over levels its sizes grow otherwise
            ends = (self.levels.start, self.levels[-1])
            model = SizeModel(ends, tuple(self.growth * end for end in ends))
        return largest_that_fits(
            lambda level: self.code(source, level, plan.variant),
            self.levels,
            self.counted_bytes,
            max_bytes,
            self._nearest(source, plan, max_bytes),
            model or plan.model,
            self.enough,
        )

    def plan(self, source: Source, max_bytes: int) -> Plan:
        """Bracket a budget by drafts at two anchors and choose the variant at the one that is nearer."""
        anchors = self.levels[:: self.stride]
        draft_bytes = max(1, round(max_bytes / self.typical_ratio))
        sizes: dict[int, int] = {}

        def attempt(index: int) -> bytes:
            data = self._draft(source, anchors[index], 0)
            sizes[anchors[index]] = self.drafter.counted_bytes(data)
            return data

        indices = range(len(anchors))
        line = SizeModel((0, 1), (0.0, self.growth * self.stride))
        largest_that_fits(attempt, indices, self.drafter.counted_bytes, draft_bytes, len(anchors) // 2, line)
        if len(sizes) == 1:  # the budget is beyond an end of the ladder and nothing else was tried
            attempt(len(anchors) // 2 - 1)
        model = ascending(sorted(sizes), [sizes[level] for level in sorted(sizes)])
        level = model.highest(math.log(draft_bytes))
        tried = np.array(sorted(sizes))
        anchor, other = (int(tried[index]) for index in np.abs(tried - level).argsort(kind="stable")[:2])
        return Plan(self._choose_variant(source, anchor, other), anchor, model)

    def near(self, image: Image8, budget: int) -> bytes | None:
        """The coding at the anchor that is nearest to a budget, at which :meth:`encode` starts as well."""
        source = Source(image)
        plan = self.plan(source, budget)
        return self.code(source, self._nearest(source, plan, budget), plan.variant)

    def rate_points(self, image: Image8, least_bytes: int, most_bytes: int) -> list[tuple[int, float]]:
        """Counted bytes and mean squared errors at the anchors around a range of budgets; see the base class.

        Drafts are made at all of them, two at least, and codings at the anchors nearest to the ends, and in the middle
        of five or more; elsewhere the drafts' sizes and errors are corrected by what both differ by there.
        """
        source = Source(image)
        plans = {budget: self.plan(source, budget) for budget in (least_bytes, most_bytes)}
        variant = plans[most_bytes].variant
        ends = sorted({self._nearest(source, plan, budget) for budget, plan in plans.items()})
        around = ends
        if len(ends) == 1:
            beside = ends[0] + (self.stride if ends[0] + self.stride in self.levels else -self.stride)
            around = sorted({ends[0], beside})
        if self.drafter is not self:  # the drafts of another codec have another slope
            ends = around
        anchors = list(range(around[0], around[-1] + 1, self.stride))
        drafts = np.array([self._measured(source, level, variant, drafted=True) for level in anchors])
        coded = [anchors.index(level) for level in ends]
        if len(anchors) >= 5:
            coded.insert(1, len(anchors) // 2)
        measures = [partial(self._measured, source, anchors[index], variant, drafted=False) for index in coded]
        codings: NDArray[np.float64] = np.array(side_by_side(*measures))
        drafts, codings = np.maximum(drafts, _LEAST), np.maximum(codings, _LEAST)
        corrections = np.log(codings / drafts[coded])
        for column in (0, 1):
            drafts[:, column] *= np.exp(np.interp(range(len(anchors)), coded, corrections[:, column]))
        return [(round(size), error) for size, error in drafts.tolist()]

    def _nearest(self, source: Source, plan: Plan, budget: int) -> int:
        """The anchor whose coding is nearest to a budget; the drafts of another codec are corrected by codings."""
        anchor, last = plan.anchor, self.levels[-1] // self.stride * self.stride
        for _ in range(0 if self.drafter is self else CORRECTIONS):
            size, _ = self._measured(source, anchor, plan.variant, drafted=False)
            level = anchor + math.log(max(budget, 1) / size) / self.growth
            before, anchor = anchor, min(max(round(level / self.stride) * self.stride, 0), last)
            if anchor == before:
                break
        return anchor

    def _choose_variant(self, source: Source, anchor: int, other: int) -> int:
        """The variant of least error at one size, by drafts at one anchor and the slope between two."""
        if len(self.variants) == 1:
            return 0
        here = [self._measured(source, anchor, variant, drafted=True) for variant in range(len(self.variants))]
        size, error = self._measured(source, other, 0, drafted=True)
        slope = 1.0  # of the logarithm of the error over that of the size
        if size != here[0][0] and min(error, here[0][1]) > 0:
            slope = min(max(math.log(here[0][1] / error) / math.log(size / here[0][0]), 0.1), 3.0)
        gains = [10 ** (-gain_db / 10) for gain_db in self.gains_over_drafts_db or (0.0,) * len(here)]
        return min(range(len(here)), key=lambda index: gains[index] * here[index][1] * here[index][0] ** slope)

    def _draft(self, source: Source, level: int, variant: int) -> bytes:
        return self._cached(("draft", source.key, level, variant), lambda: self.draft(source, level, variant))

    def _measured(self, source: Source, level: int, variant: int, drafted: bool) -> tuple[int, float]:
        """Counted bytes and mean squared error of a draft or a coding."""
        codec = self.drafter if drafted else self
        data = self._draft(source, level, variant) if drafted else self.code(source, level, variant)
        error = self._cached(
            ("mse", drafted, source.key, level, variant), lambda: struct.pack("d", codec.mse(source, data))
        )
        return max(1, codec.counted_bytes(data)), struct.unpack("d", error)[0]

    def _cached(self, key: tuple[object, ...], make: Callable[[], bytes]) -> bytes:
        made = self._cache.get_or_make(key, make)
        assert made is not None
        return made

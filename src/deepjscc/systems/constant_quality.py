"""Constant quality: the smallest bandwidth ratio whose expected PSNR reaches a wish, without a transmission tried.

A transmitter that can tells what it expects of one image (:class:`ExpectsError`): block codes in closed form, digital
links by a rate curve and the bits of their code, hybrids by both. The search is over whole channel uses.
"""

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from deepjscc.errors import UsageError
from deepjscc.systems.base import System
from deepjscc.systems.link import Link, ratio_beside_pilots
from deepjscc.types import ErrorOverRatio, Images, LinkPlan, SnrDb

MOST_RATIO = 1.0  # complex uses per source value: no search goes beyond
START_RATIO = 1 / 12
DUMMY_RATIO = 1.0  # of a system that is made before the ratio of each image is known
CLOSE_DB, CLOSE = 0.01, 1.001  # of the PSNR above the wish, and of the uses around the answer, where the search ends
NEAR = 1.25  # of neighbouring uses between which a straight line is good enough for a mean over many images
LEAST_MSE = 1e-10  # stands for no error at all: 100 dB


@runtime_checkable
class ExpectsError(Protocol):
    """The capability of a transmitter to tell what becomes of an image, for any bandwidth ratio, before it sends."""

    def expect_error(self, image: Images, plan: LinkPlan) -> ErrorOverRatio:
        """Expected mean squared error of one image over the bandwidth ratio.

        Args:
            image: values in [0, 1], ``[1, 3, height, width]``.
            plan: design SNR, which is that of the channel, and margin; its bandwidth ratio is not used.

        Returns:
            A function of the bandwidth ratio without pilots; of a digital layer it takes for granted that it arrives.
        """
        ...


@dataclass(frozen=True)
class RatioChoice:
    """A bandwidth ratio and what is expected of it.

    Attributes:
        bandwidth_ratio: complex channel uses per source value, pilots included.
        psnr_db: expected, on 8 bits.
    """

    bandwidth_ratio: float
    psnr_db: float


class ExpectedQuality:
    """The PSNR that a link's transmitter expects of one image, over the channel uses.

    Args:
        system: a link whose transmitter expects errors, over a channel whose SNR it knows.
        image: values in [0, 1], ``[1, 3, height, width]``.
        design_snr_db: of the channel, in dB, ``[1]``.

    Raises:
        UsageError: a system that cannot tell what to expect, or a channel whose SNR no transmitter knows.
    """

    def __init__(self, system: System, image: Images, design_snr_db: SnrDb) -> None:
        transmitter = getattr(system, "transmitter", None)
        if not isinstance(system, Link) or not isinstance(transmitter, ExpectsError):
            raise UsageError(
                "this system cannot tell what quality to expect; a target PSNR takes linear, universal-s, a digital "
                "link such as hevc+ldpc-fine, or a hybrid"
            )
        if system.channel.coherence is not None or len(system.snr_offsets_db) > 1:
            raise UsageError("a target PSNR needs an SNR that the transmitter knows: no fading, and no range of SNRs")
        self.system, self.size = system, (image.shape[-2], image.shape[-1])
        self.values = image[0].numel()
        plan = system.with_ratio(None).plan(self.size, design_snr_db).to(system.device)
        self._error = transmitter.expect_error(image.to(system.device), plan)
        self._known: dict[int, float] = {}

    @property
    def most_uses(self) -> int:
        """Complex channel uses beyond which no search goes."""
        return max(1, math.floor(MOST_RATIO * self.values))

    def psnr_db(self, uses: int) -> float:
        """Expected PSNR in dB on 8 bits with so many complex channel uses; -inf where nothing can be sent in them."""
        if uses not in self._known:
            self._known[uses] = self._expect(uses)
        return self._known[uses]

    def _expect(self, uses: int) -> float:
        try:
            ratio = ratio_beside_pilots(self.system.channel, self.size, uses / self.values)
            mse = None if ratio is None else self._error(ratio)
        except UsageError:  # no symbol beside the pilots, or too few uses for any code
            return -math.inf
        return -math.inf if mse is None else -10 * math.log10(max(mse, LEAST_MSE))

    def about_uses(self, target_db: float) -> float:
        """About the channel uses at which a PSNR is expected, interpolated between few.

        Raises:
            UsageError: no ratio reaches it; says the best.
        """
        low, high = self._bracket(target_db)
        while high > NEAR * max(low, 1):
            middle = self._between(low, high, target_db)
            low, high = (low, middle) if self.psnr_db(middle) >= target_db else (middle, high)
        below, above = self.psnr_db(low) if low else -math.inf, self.psnr_db(high)
        if not math.isfinite(below) or above <= below:
            return high
        return float(low * (high / low) ** ((target_db - below) / (above - below)))

    def smallest_ratio(self, target_db: float) -> RatioChoice:
        """The smallest bandwidth ratio whose expected PSNR reaches ``target_db``.

        Raises:
            UsageError: no ratio does; says the best.
        """
        low, high = self._bracket(target_db)
        while high - low > 1 and high > CLOSE * low and self.psnr_db(high) > target_db + CLOSE_DB:
            middle = self._between(low, high, target_db)
            low, high = (low, middle) if self.psnr_db(middle) >= target_db else (middle, high)
        return RatioChoice(high / self.values, self.psnr_db(high))

    def _bracket(self, target_db: float) -> tuple[int, int]:
        """Uses that do not reach a PSNR, or 0, and uses that do, an octave apart or less."""
        reached = [uses for uses, psnr_db in self._known.items() if psnr_db >= target_db]
        start = min(max(1, round(START_RATIO * self.values)), self.most_uses)
        high = min(reached, default=max(self._known, default=start))
        while self.psnr_db(high) < target_db:
            if high == self.most_uses:
                best = max(self._known.values())
                what = f"the best is {best:.1f} dB" if math.isfinite(best) else "it cannot send this picture at all"
                raise UsageError(f"no bandwidth ratio reaches {target_db:g} dB at this SNR; {what}")
            high = min(2 * high, self.most_uses)
        low = max((uses for uses in self._known if high // 2 < uses < high), default=high // 2)
        while low and self.psnr_db(low) >= target_db:
            low, high = low // 2, low
        return low, high

    def _between(self, low: int, high: int, target_db: float) -> int:
        """Where a straight line over the logarithm of the uses meets the PSNR, well within the bracket."""
        share, below = 0.5, self.psnr_db(low) if low else -math.inf
        if math.isfinite(below):
            share = min(max((target_db - below) / (self.psnr_db(high) - below) + 0.02, 0.1), 0.9)
        middle = math.exp((1 - share) * math.log(max(low, 0.5)) + share * math.log(high))
        return min(max(round(middle), low + 1), high - 1)


def reach_quality(system: System, image: Images, target_db: float, design_snr_db: SnrDb) -> tuple[System, RatioChoice]:
    """The link with the smallest bandwidth ratio at which one image is expected to reach a PSNR, and what is expected.

    Args:
        system: any.
        image: values in [0, 1], ``[1, 3, height, width]``.
        target_db: PSNR wished for, in dB on 8 bits.
        design_snr_db: of the channel, in dB, ``[1]``.

    Raises:
        UsageError: a system or a channel without an expectation, or a PSNR that no ratio reaches.
    """
    quality = ExpectedQuality(system, image, design_snr_db)
    choice = quality.smallest_ratio(target_db)
    return quality.system.with_ratio(choice.bandwidth_ratio), choice

"""The error of a source codec over its bytes for one picture, from a few codings: for planning without further ones."""

import math
from dataclasses import dataclass

import numpy as np

from deepjscc.digital.codecs.base import LevelCodec
from deepjscc.errors import UsageError
from deepjscc.types import Image8

_LEAST_ERROR = 1e-3  # mean squared error, values of 0 to 255: below that rounding to 8 bits hides everything
_LEAST_BITS, _MOST_BITS = 0.03, 0.6  # per source value, where the caller names no range
_FEWEST = 0.7  # of the bytes of the smallest coding of an octave, to which its curve is continued


@dataclass(frozen=True)
class RateCurve:
    """Mean squared error over counted bytes of one picture.

    The logarithm of the error is linear in the logarithm of the bytes between two points and continues so beyond them.

    Attributes:
        bytes: counted bytes of each point, strictly ascending.
        mse: mean squared error per source value at each point, values of 0 to 255, strictly descending.
    """

    bytes: tuple[int, ...]
    mse: tuple[float, ...]

    def mse_at(self, budget: int | float) -> float:
        """Expected mean squared error (values of 0 to 255) of the best coding in ``budget`` bytes.

        Args:
            budget: bytes, above 0.
        """
        return math.exp(_through(np.log(self.bytes), np.log(self.mse), math.log(max(budget, 1e-9))))

    def bytes_at(self, mse: int | float) -> float:
        """Bytes at which an error is expected: the inverse of :meth:`mse_at`.

        Args:
            mse: mean squared error per source value, values of 0 to 255, above 0.
        """
        errors = np.log(self.mse)[::-1]
        return math.exp(_through(errors, np.log(self.bytes)[::-1], math.log(max(mse, 1e-9))))

    def psnr_db(self, budget: int | float) -> float:
        """Expected PSNR in dB, peak 255, of the best coding in ``budget`` bytes."""
        return 10 * math.log10(255**2 / self.mse_at(budget))


def rate_curve(
    codec: LevelCodec, image: Image8, least_bytes: int | None = None, most_bytes: int | None = None
) -> RateCurve | None:
    """Measure how the error of a codec falls with the bytes, for one picture.

    A slow codec makes two or three codings, at levels that :meth:`LevelCodec.encode` starts from as well, so that a
    budget within the range often needs only one coding more. A quick one meets three budgets.

    Args:
        codec: a source codec.
        image: 8-bit picture.
        least_bytes: lower end of the range of budgets that is planned for; by default 0.03 bits per source value.
        most_bytes: its upper end; by default 0.6 bits per source value.

    Returns:
        None where the codec fits nothing into any budget of the range.

    Raises:
        UsageError: a range that is empty or not positive.
    """
    least_bytes = max(1, round(_LEAST_BITS * image.numel() / 8)) if least_bytes is None else least_bytes
    most_bytes = max(least_bytes, round(_MOST_BITS * image.numel() / 8)) if most_bytes is None else most_bytes
    if not 0 < least_bytes <= most_bytes:
        raise UsageError(f"a rate curve needs 0 < least bytes <= most bytes, not {least_bytes} and {most_bytes}")
    size, error = 0, math.inf
    points = []
    for next_size, next_error in sorted(codec.rate_points(image, least_bytes, most_bytes)):
        if next_size > size and max(next_error, _LEAST_ERROR) < error:  # a dip of the ladder is no better coding
            size, error = next_size, max(next_error, _LEAST_ERROR)
            points.append((size, error))
    if not points:
        return None
    if len(points) == 1:  # one byte in a hundred is about a hundredth of the error
        size, error = points[0]
        points.append((2 * size, error / 2))
    sizes, errors = zip(*points, strict=True)
    return RateCurve(sizes, errors)


class OctaveCurves:
    """The error of a codec over any number of bytes for one picture, from a curve for each octave that is asked for.

    So a search over the bytes codes the picture near its answer alone; within an octave a rate curve interpolates.

    Args:
        codec: a source codec.
        image: 8-bit picture.
    """

    def __init__(self, codec: LevelCodec, image: Image8) -> None:
        self.codec, self.image = codec, image
        self._curves: dict[int, RateCurve | None] = {}

    def mse_at(self, budget: int) -> float | None:
        """Expected mean squared error (values of 0 to 255) of the best coding in ``budget`` bytes.

        Above the largest coding it is that coding's error.

        Returns:
            None where no coding is so small.
        """
        if budget < 1:
            return None
        octave = budget.bit_length() - 1
        if octave not in self._curves:
            self._curves[octave] = rate_curve(self.codec, self.image, 1 << octave, 2 << octave)
        curve = self._curves[octave]
        if curve is None or budget < _FEWEST * curve.bytes[0]:
            return None
        return curve.mse_at(min(budget, curve.bytes[-1] / _FEWEST))


def _through(places: np.ndarray, values: np.ndarray, place: float) -> float:
    """Piecewise linear through ascending places, and straight on beyond them."""
    right = min(max(int(np.searchsorted(places, place)), 1), len(places) - 1)
    slope = (values[right] - values[right - 1]) / (places[right] - places[right - 1])
    return float(values[right - 1] + slope * (place - places[right - 1]))

"""Finite constellations for analog symbols: square QAM to whose points Gaussian symbols are rounded, and its bits.

A complex Gaussian symbol x of power 1 is rounded per real to the nearest level and scaled to mean power 1. By
Bussgang's theorem that is ``z = sqrt(r) x + d`` with d uncorrelated with x, of variance 1 - r, where r is the squared
correlation of the quantiser (:mod:`deepjscc.digital.gaussian_quantiser`). A receiver of ``y = z + n`` that divides by
``sqrt(r)`` has x with noise of variance ``(1 + N0) / r - 1``: all that the constellation costs.
"""

import math
import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from deepjscc.digital.gaussian_quantiser import (
    Levels,
    level_centroids,
    level_probabilities,
    lloyd_max_levels,
    squared_correlation,
    uniform_levels,
)
from deepjscc.errors import UsageError
from deepjscc.symbols import to_latent, to_symbols
from deepjscc.types import SnrDb, Symbols
from deepjscc.units import noise_variance

ORDERS = (16, 64, 256, 1024, 4096)
LLOYD_MAX = "lloyd"
_NAME = re.compile(rf"(\d+)qam(-{LLOYD_MAX})?")
_LEAST_NOISE_DB = 200.0  # an SNR that is not finite reads as this one

Indices = Int[Tensor, "batch uses 2"]  #: of the levels of I and Q, from the lowest


@dataclass(frozen=True)
class FiniteConstellation:
    """A square QAM constellation for symbols that are Gaussian with mean power 1.

    Attributes:
        order: number of points.
        lloyd_max: whether the levels of each real are those of least error, else equally spaced.

    Raises:
        UsageError: an order that is not one of :data:`ORDERS`.

    >>> constellation = FiniteConstellation(64)
    >>> constellation.round(torch.tensor([[0.3 - 0.3j, 5 + 0j]]))
    tensor([[0.2112-0.2112j, 1.4783-0.2112j]])
    >>> round(constellation.noise_variance(torch.tensor(0.1)).item(), 4)
    0.1428
    """

    order: int
    lloyd_max: bool = False

    def __post_init__(self) -> None:
        if self.order < ORDERS[0]:
            raise UsageError(f"{self.order}qam is too small for analog symbols; take {ORDERS[0]}qam or more")
        if self.order not in ORDERS:
            raise UsageError(f"there is no {self.order}qam here; there are {', '.join(f'{one}qam' for one in ORDERS)}")

    @property
    def name(self) -> str:
        """As :func:`parse_constellation` reads it."""
        return f"{self.order}qam" + (f"-{LLOYD_MAX}" if self.lloyd_max else "")

    @property
    def bits_per_symbol(self) -> int:
        """Bits of a complex symbol."""
        return self.order.bit_length() - 1

    @cached_property
    def levels(self) -> Levels:
        """Levels of a real, in units of its standard deviation before rounding."""
        count = math.isqrt(self.order)
        return np.array(lloyd_max_levels(count) if self.lloyd_max else uniform_levels(count))

    @cached_property
    def correlation(self) -> float:
        """Squared correlation r of a Gaussian symbol and its point."""
        return squared_correlation(self.levels)

    def noise_variance(self, n0: Tensor) -> Tensor:
        """Noise variance of symbols that were rounded and received, after :meth:`restore`.

        Args:
            n0: noise variance of the received symbols; infinite where they did not arrive.
        """
        return (1 + n0) / self.correlation - 1

    def effective_snr_db(self, snr_db: SnrDb) -> SnrDb:
        """The SNR of a link without rounding on which symbols have as much noise as on this one, in dB."""
        noise = self.noise_variance(noise_variance(snr_db.double()))
        return (-10 * noise.log10()).clamp(-_LEAST_NOISE_DB, _LEAST_NOISE_DB).to(snr_db.dtype)

    def round(self, symbols: Symbols, *, soft: bool = False) -> Symbols:
        """Round Gaussian symbols to the nearest points, whose mean power is then 1.

        The mean is that of the Gaussian distribution; that of one image differs by a fraction that falls with the
        square root of its symbols, as that of any message in QAM does.

        Args:
            symbols: of mean power 1.
            soft: let the gradient be that of a soft assignment to levels, as training needs it (Tung et al. 2022,
                DeepJSCC-Q, eq. 8): nearly 1 within the constellation and 0 far outside. The values stay hard.
        """
        points = self.points(self.indices(symbols))
        if not soft:
            return points
        levels = torch.from_numpy(self.levels).to(symbols.real)
        widths = torch.from_numpy(np.gradient(self.levels) / 2).to(symbols.real)
        reals = to_latent(symbols, 2 * symbols.shape[1]) * math.sqrt(2)
        near = torch.softmax(-((reals[..., None] - levels) / widths).square() / 2, -1) @ levels
        assigned = to_symbols(near * self._amplitude)
        return points + assigned - assigned.detach()

    def indices(self, symbols: Symbols) -> Indices:
        """Indices of the nearest levels of both reals of each symbol."""
        edges = torch.from_numpy((self.levels[1:] + self.levels[:-1]) / 2).to(symbols.real)
        return torch.bucketize(torch.view_as_real(symbols.detach()) * math.sqrt(2), edges)

    def indices_of_points(self, points: Symbols) -> Indices:
        """The inverse of :meth:`points`, for points with little noise as well."""
        levels = torch.from_numpy(self.levels * self._amplitude).to(points.real)
        return torch.bucketize(torch.view_as_real(points.detach()), (levels[1:] + levels[:-1]) / 2)

    def points(self, indices: Indices) -> Symbols:
        """The points of indices, at the amplitude at which they are sent."""
        levels = torch.from_numpy(self.levels * self._amplitude).float().to(indices.device)
        return torch.view_as_complex(levels[indices])

    def restore(self, received: Symbols) -> Symbols:
        """Received symbols at the scale of the symbols before rounding: divided by ``sqrt(r)``."""
        return received / math.sqrt(self.correlation)

    def to_bits(self, indices: Indices) -> np.ndarray:
        """The bits of indices, I before Q, in natural binary order with the most significant bit first.

        Over a channel that flips bits this order has the least mean squared error for equally spaced levels (Crimmins
        et al. 1969), less than Gray's.

        Args:
            indices: of one image, ``[1, uses, 2]``.

        Returns:
            Zeros and ones, ``[uses · bits_per_symbol]``.
        """
        bits, flat = self.bits_per_symbol // 2, indices.reshape(-1, 1).cpu().numpy()
        return (flat >> np.arange(bits - 1, -1, -1) & 1).astype(np.uint8).reshape(-1)

    def from_bits(self, bits: np.ndarray, error_rate: float = 0.0) -> tuple[Symbols, float]:
        """Estimate symbols from bits, each of which was flipped with a given probability.

        Each real is estimated by its mean given the received index, over all indices that may have been sent.

        Args:
            bits: as :meth:`to_bits` gives them.
            error_rate: probability that a bit was flipped, below 1/2.

        Returns:
            The symbols ``[1, uses]`` at the scale of those before rounding, and their noise variance.
        """
        width = self.bits_per_symbol // 2
        indices = bits.reshape(-1, width).astype(np.int64) @ (1 << np.arange(width - 1, -1, -1))
        estimates, correlation = self._estimates(error_rate)
        reals = torch.from_numpy(estimates[indices] / correlation / math.sqrt(2)).float()
        return to_symbols(reals[None]), 1 / correlation - 1

    def _estimates(self, error_rate: float) -> tuple[Float[np.ndarray, " levels"], float]:
        """The mean of N(0, 1) given each received index, and its squared correlation with what was sent."""
        numbers, bits = np.arange(len(self.levels)), self.bits_per_symbol // 2
        flipped = sum((numbers[:, None] ^ numbers) >> bit & 1 for bit in range(bits))
        chance = error_rate**flipped * (1 - error_rate) ** (bits - flipped)
        joint = level_probabilities(self.levels)[:, None] * chance  # of a sent and a received index
        estimates = level_centroids(self.levels) @ joint / joint.sum(0)
        return estimates, float((joint.sum(0) * estimates**2).sum())

    @property
    def _amplitude(self) -> float:
        """From units of a real's standard deviation before rounding to the amplitude at which a real is sent."""
        power = float((level_probabilities(self.levels) * self.levels**2).sum())
        return 1 / math.sqrt(2 * power)


def parse_constellation(text: str) -> FiniteConstellation:
    """A constellation from its name: ``64qam`` with equally spaced levels, ``64qam-lloyd`` with Lloyd-Max levels.

    >>> parse_constellation("256qam-lloyd").bits_per_symbol
    8

    Raises:
        UsageError: not such a name, or an order that there is not.
    """
    found = _NAME.fullmatch(text)
    if found is None:
        raise UsageError(f"{text!r} is not a constellation; write 16qam to 4096qam, or 64qam-{LLOYD_MAX}")
    return FiniteConstellation(int(found[1]), found[2] is not None)


def names_constellation(text: str) -> bool:
    """Whether a text has the form of a constellation's name."""
    return _NAME.fullmatch(text) is not None

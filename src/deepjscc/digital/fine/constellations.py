"""Non-uniform constellations: the stored amplitudes, bits to symbols, and symbols to soft bits."""

import csv
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from deepjscc.digital.fine.crc import Bits
from deepjscc.digital.fine.information import gray_labels

TABLE = Path(__file__).parent / "constellations.csv"
CLIP = 50.0  # of soft bits


@dataclass(frozen=True)
class Constellation:
    """Two equal real axes with Gray-labelled amplitudes: shaped by their positions or by their probabilities.

    The bits of a symbol alternate between the real and the imaginary axis, the sign first, as in 3GPP TS 38.211.

    Attributes:
        bits_per_axis: half the bits of a symbol.
        design_snr_db: SNR for which the amplitudes were optimised; None for QPSK.
        levels: positive amplitudes of an axis, rising, of mean square 1.
        equivalent_snr_db: SNR of binary antipodal symbols with the same information per bit, at 0.5 dB below the design
            SNR, at it, and 0.5 dB above it.
        weights: proportional to the probabilities of the positive levels; None for equal ones.
    """

    bits_per_axis: int
    design_snr_db: int | None
    levels: tuple[float, ...]
    equivalent_snr_db: tuple[float, float, float]
    weights: tuple[int, ...] | None = None

    @property
    def bits_per_symbol(self) -> int:
        """Coded bits in a complex symbol."""
        return 2 * self.bits_per_axis

    def modulate(self, bits: Bits) -> Complex[Tensor, "blocks uses"]:
        """Coded bits to symbols of mean power 1 over equally likely bits.

        Args:
            bits: ``[blocks, uses * bits_per_symbol]``.
        """
        points, labels = self._axis(bits.device)
        index = torch.empty(len(labels), dtype=torch.long, device=bits.device)
        index[self._numbers(labels)] = torch.arange(len(labels), device=bits.device)
        axes = bits.reshape(len(bits), -1, self.bits_per_axis, 2).transpose(2, 3)
        values = points[index[self._numbers(axes)]] / math.sqrt(2)
        return torch.complex(values[..., 0], values[..., 1])

    def soft_bits(
        self, symbols: Complex[Tensor, "blocks uses"], noise_variance: Float[Tensor, "blocks uses"]
    ) -> Float[Tensor, "blocks bits"]:
        """Exact log-likelihood ratios ``log p(0)/p(1)`` of the coded bits.

        Args:
            symbols: equalised.
            noise_variance: of noise and interference on each complex symbol, which are taken to be Gaussian.
        """
        points, labels = self._axis(symbols.device)
        axes = torch.view_as_real(symbols) * math.sqrt(2)
        # With axes of mean square 1 the noise of an axis has variance N0: half of it, times 2.
        precision = 1 / noise_variance.clamp_min(1e-9)
        exponent = (axes[..., None] - points).square_().mul_(-0.5 * precision[..., None, None])
        if self.weights is not None:
            exponent += torch.tensor(self.weights).log().repeat(2).to(exponent)
        likelihood = exponent.sub_(exponent.amax(-1, keepdim=True)).exp_()
        zero = likelihood @ (1 - labels).to(likelihood.dtype)
        one = likelihood @ labels.to(likelihood.dtype)
        floor = math.exp(-CLIP)
        llr = torch.log(zero.clamp_min_(floor)).sub_(torch.log(one.clamp_min_(floor)))
        return llr.transpose(2, 3).reshape(len(symbols), -1)

    def _axis(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """Points of an axis and their labels ``[points, bits_per_axis]``."""
        positive = torch.from_numpy(gray_labels(self.bits_per_axis))
        labels = torch.cat([torch.nn.functional.pad(positive, (1, 0), value=sign) for sign in (0, 1)])
        levels = torch.tensor(self.levels, dtype=torch.float32)
        return torch.cat([levels, -levels]).to(device), labels.to(device)

    def _numbers(self, bits: Tensor) -> Tensor:
        """Labels along the last axis as whole numbers."""
        weights = 2 ** torch.arange(self.bits_per_axis, device=bits.device)
        return (bits.long() * weights).sum(-1)


QPSK = Constellation(1, None, (1.0,), (0.0, 0.0, 0.0))


@cache
def _stored() -> dict[tuple[int, int, bool], Constellation]:
    """All stored constellations by bits per axis, design SNR and whether they are shaped by probabilities."""
    stored = {}
    with TABLE.open(newline="") as file:
        for bits, design, below, at, above, levels, weights in list(csv.reader(file))[1:]:
            stored[int(bits), int(design), bool(weights)] = Constellation(
                int(bits),
                int(design),
                tuple(map(float, levels.split())),
                (float(below), float(at), float(above)),
                tuple(map(int, weights.split())) or None,
            )
    return stored


def constellations(snr_db: float) -> list[Constellation]:
    """QPSK, and the constellations whose design SNR is next to an SNR.

    Args:
        snr_db: P / N0 of the symbols.
    """
    design = math.floor(snr_db + 0.5)
    return [QPSK, *(one for key, one in _stored().items() if key[1] == design)]

"""What the two ends of a residual code hand on: statistics, symbols and estimates of one image."""

from dataclasses import dataclass

from jaxtyping import Complex, Float, Int, UInt8
from torch import Tensor

from deepjscc.models.block_code.header import Header
from deepjscc.models.residual_code.stream import ByClass

Residual = Float[Tensor, "3 height width"]
Base = UInt8[Tensor, "3 height width"]
Symbols = Complex[Tensor, " uses"]


@dataclass(frozen=True)
class ResidualStatistics:
    """What the transmitter knows of one image's residual: enough to plan without its pixels.

    Attributes:
        side_info: bytes from which the receiver restores the variances.
        counts: blocks of each class.
        energy: sum of the squared coefficients of each class, in squared 8-bit steps.
        variances: of every coefficient in each class, as both ends assume them.
    """

    side_info: bytes
    counts: Int[Tensor, " classes"]
    energy: ByClass
    variances: ByClass


@dataclass(frozen=True)
class ModulatedResidual:
    """The analog symbols of one image, and the gain that the receiver must know.

    Attributes:
        symbols: of mean power 1, or all zero where the residual is.
        gain_index: of the factor that made it so, in the 10 bits of
            :class:`deepjscc.models.block_code.header.Header`.
    """

    symbols: Symbols
    gain_index: int

    @property
    def gain(self) -> float:
        """The quantised factor."""
        return Header(0, self.gain_index).gain


@dataclass(frozen=True)
class ResidualEstimate:
    """What the receiver makes of the analog layer.

    Attributes:
        residual: to be added to the base, on the scale of images (0 to 1).
        error_variance: mean squared error of a pixel value that is left in each block, as the model expects it.
    """

    residual: Residual
    error_variance: Float[Tensor, "rows columns"]

"""Flat fading: Rayleigh and Rician gains of unit mean power, one per image or one per symbol."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from deepjscc.channels.base import Channel, Coherence, Csi, complex_normal
from deepjscc.channels.ergodic import rayleigh_capacity, rician_capacity
from deepjscc.errors import UsageError
from deepjscc.types import Gain, SnrDb

_QUANTILES, _QUANTILE_DRAWS = 16, 4096
RAYLEIGH_FADE_DEPTH_DB = 13.0  # P(|h|^2 < 10^-1.3) = 1 - exp(-0.05), one image in twenty


class Rician(Channel):
    """h ~ CN(sqrt(K/(K+1)), 1/(K+1)): a line of sight of phase 0 and scatter, E|h|^2 = 1.

    Args:
        coherence: one gain per image (slow fading) or per symbol (fast).
        csi: "receiver": the receiver knows h, equalises, and hands on N0/|h|^2 per symbol; "none": it decodes h z + n.
        k_factor_db: K, power of the line of sight over that of the scatter, in dB.
    """

    def __init__(self, coherence: Coherence = "image", csi: Csi = "receiver", k_factor_db: float = 6.0) -> None:
        super().__init__()
        if coherence not in ("image", "symbol"):
            raise UsageError(f"coherence {coherence!r} is not one of image, symbol")
        if csi not in ("none", "receiver"):
            raise UsageError(f"csi {csi!r} is not one of none, receiver")
        if math.isnan(k_factor_db):
            raise UsageError("the Rician K factor cannot be NaN; give it in dB")
        self.coherence = coherence
        self.csi = csi
        self.fade_depth_db = RAYLEIGH_FADE_DEPTH_DB if coherence == "image" else 0.0
        k = 10 ** (min(k_factor_db, 200.0) / 10)
        self.line_of_sight = math.sqrt(k / (k + 1))
        self.scatter_power = 1 / (k + 1)

    def draw_gain(self, batch: int, uses: int, generator: torch.Generator | None = None) -> Gain:
        """Draw h, ``[batch, 1]`` or ``[batch, uses]``."""
        like = torch.empty(0, dtype=torch.complex64, device=generator.device if generator else "cpu")
        shape = (batch, 1 if self.coherence == "image" else uses)
        return self.line_of_sight + math.sqrt(self.scatter_power) * complex_normal(shape, like, generator)

    def fade_offsets_db(self) -> tuple[float, ...]:
        """Quantiles of the power gain |h|^2 in dB over slow fading; see :meth:`Channel.fade_offsets_db`."""
        if self.coherence != "image":
            return super().fade_offsets_db()
        like, seed = torch.empty(0, dtype=torch.complex64), torch.Generator().manual_seed(0)
        scatter = math.sqrt(self.scatter_power) * complex_normal((_QUANTILE_DRAWS,), like, seed)
        draws = (self.line_of_sight + scatter).abs().square()
        levels = (torch.arange(_QUANTILES) + 0.5) / _QUANTILES
        return tuple((10 * draws.quantile(levels).clamp_min(1e-9).log10()).tolist())

    def capacity(self, snr_db: SnrDb, gain: Gain | None = None) -> Float[Tensor, " batch"]:
        """Slow: of this gain, or at the average SNR. Fast: ergodic, E[log2(1 + |h|^2 P/N0)], whatever the draw."""
        if self.coherence == "image":
            return super().capacity(snr_db, gain)
        if self.line_of_sight == 0:
            return rayleigh_capacity(snr_db)
        return rician_capacity(snr_db, self.line_of_sight**2 / self.scatter_power)


class Rayleigh(Rician):
    """h ~ CN(0, 1): scatter alone; arguments as in :class:`Rician`."""

    def __init__(self, coherence: Coherence = "image", csi: Csi = "receiver") -> None:
        super().__init__(coherence, csi, k_factor_db=-math.inf)

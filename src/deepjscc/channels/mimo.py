"""Several antennas at both ends: i.i.d. Rayleigh fading, with or without knowledge of it at the transmitter."""

import math
from typing import Literal

import torch
from jaxtyping import Complex, Float
from torch import Tensor
from torch.nn import functional as F

from deepjscc.channels.base import Channel, Coherence, Csi, complex_normal
from deepjscc.channels.mimo_capacity import closed_loop_capacity, ergodic_capacity, open_loop_capacity
from deepjscc.channels.mimo_pilots import estimate_matrix, pilot_uses, receive_pilots
from deepjscc.channels.output import ChannelOutput, Precoded
from deepjscc.channels.precoding import svd_precoder
from deepjscc.errors import UsageError
from deepjscc.types import Gain, SnrDb, Symbols
from deepjscc.units import noise_variance

MOST_ANTENNAS = 16
_QUANTILES, _QUANTILE_DRAWS = 16, 4096
_TYPICAL_DB = 10.0  # nominal SNR at which the depth of fades is measured
Matrices = Complex[Tensor, "batch matrices receive transmit"]


class Mimo(Channel):
    """y = H x + n with x = W s: vectors of symbols s over N_t transmit and N_r receive antennas.

    The entries of H are CN(0, 1). The power of all transmit antennas together is 1, so that ``snr_db``, P / N0, is the
    mean SNR at each receive antenna. A vector carries as many symbols as there are streams, the smaller of both numbers
    of antennas; a bandwidth ratio counts symbols, which is uses of single antennas.

    Without precoding each antenna sends a stream, and neighbouring symbols, which are of similar power, share a vector.
    With ``precoding="svd"`` the transmitter knows H, or the receiver's estimate of it, sends along its singular vectors
    and fills powers (:mod:`deepjscc.channels.precoding`); the first symbols, which matter most, take the strongest
    subchannel, and so on. Its rate and its code do not follow the fade.

    Args:
        transmit, receive: numbers of antennas.
        precoding: "none", or "svd" where both ends have the channel state information.
        coherence: one H per image (slow fading) or per vector (fast).
        csi: "receiver": H is known; "estimated": from pilots, which are counted; only where H is one per image.

    Raises:
        UsageError: impossible numbers of antennas, or channel state information that there cannot be.
    """

    in_order = False

    def __init__(
        self,
        transmit: int = 2,
        receive: int = 2,
        precoding: Literal["none", "svd"] = "none",
        coherence: Coherence = "image",
        csi: Csi = "receiver",
    ) -> None:
        super().__init__()
        for name, count in (("transmit", transmit), ("receive", receive)):
            if type(count) is not int or not 1 <= count <= MOST_ANTENNAS:
                raise UsageError(f"{name} antennas are a whole number from 1 to {MOST_ANTENNAS}, not {count}")
        if precoding not in ("none", "svd"):
            raise UsageError(f"precoding {precoding!r} is not one of none, svd")
        if coherence not in ("image", "symbol"):
            raise UsageError(f"coherence {coherence!r} is not one of image, symbol")
        if csi not in ("receiver", "estimated"):
            raise UsageError(f"several antennas need channel state information, receiver or estimated, not {csi!r}")
        if csi == "estimated" and coherence == "symbol":
            raise UsageError("no pilots can estimate a channel that changes with every vector; take coherence image")
        if precoding == "none" and receive < transmit:
            raise UsageError(
                f"{receive} receive antennas cannot separate the streams of {transmit} transmit antennas; take as "
                "many, or precoding=svd"
            )
        self.transmit, self.receive, self.precoding = transmit, receive, precoding
        self.coherence, self.csi = coherence, csi
        self.streams = min(transmit, receive)
        self._offsets_db = self._quantiles_db() if coherence == "image" else super().fade_offsets_db()
        self.fade_depth_db = max(0.0, -torch.tensor(self._offsets_db).quantile(0.05).item())

    def pilot_uses(self, uses: int) -> int:
        """Uses of single antennas by pilots; see :func:`deepjscc.channels.mimo_pilots.pilot_uses`."""
        return pilot_uses(self.transmit) if self.csi == "estimated" else 0

    def data_uses(self, uses: int) -> int:
        """What the pilots leave."""
        return max(0, uses - self.pilot_uses(uses))

    def draw_gain(self, batch: int, uses: int, generator: torch.Generator | None = None) -> Gain:
        """Draw H of one vector or of all, flattened: ``[batch, vectors · receive · transmit]``."""
        like = torch.empty(0, dtype=torch.complex64, device=generator.device if generator else "cpu")
        vectors = 1 if self.coherence == "image" else math.ceil(uses / self.streams)
        return complex_normal((batch, vectors * self.receive * self.transmit), like, generator)

    def forward(
        self, symbols: Symbols, snr_db: SnrDb, *, gain: Gain | None = None, generator: torch.Generator | None = None
    ) -> ChannelOutput:
        """Pass symbols through; see :meth:`Channel.forward`. The draws are gains, pilots' noise, noise.

        Raises:
            UsageError: gains that are not finite, or not those of so many symbols.
        """
        batch, uses = symbols.shape
        if gain is None:
            gain = self.draw_gain(batch, uses, generator)
        matrices = self.matrices(gain.to(symbols.device), uses)
        n0, pilots, known = noise_variance(snr_db), None, matrices
        if self.csi == "estimated":
            pilots = receive_pilots(matrices[:, 0], n0.to(torch.float32), generator)
            known = estimate_matrix(pilots, n0)[0].to(matrices.dtype)[:, None]
        vectors = self.to_vectors(symbols)
        precoder = self._precoder(known, n0, vectors)
        sent = (precoder @ vectors[..., None])[..., 0]
        arrived = (matrices @ sent[..., None])[..., 0].flatten(1)
        noise = complex_normal(arrived.shape, arrived, generator) * n0.sqrt()[:, None]
        return ChannelOutput(
            arrived + noise,
            n0[:, None].expand(arrived.shape),
            gain,
            snr_db,
            None if pilots is None else pilots.flatten(1),
            precoded=Precoded(precoder, self.receive, uses, by_stream=self.precoding == "svd"),
        )

    def to_vectors(self, symbols: Symbols) -> Complex[Tensor, "batch vectors streams"]:
        """Symbols to vectors: neighbours in one where antennas send them as they are, else stream after stream."""
        padded = F.pad(symbols, (0, -symbols.shape[1] % self.streams))
        if self.precoding == "svd":
            return padded.unflatten(1, (self.streams, -1)).transpose(1, 2)
        return padded.unflatten(1, (-1, self.streams))

    def matrices(self, gain: Gain, uses: int | None = None) -> Matrices:
        """H of one vector or of all, from the flat form of :meth:`draw_gain`.

        Args:
            gain: as drawn.
            uses: symbols that they are for; None: they are not checked against them.

        Raises:
            UsageError: not finite, or not matrices of so many symbols.
        """
        size = self.receive * self.transmit
        vectors, rest = divmod(gain.shape[1], size)
        wanted = vectors if uses is None else 1 if self.coherence == "image" else math.ceil(uses / self.streams)
        if rest or vectors != wanted:
            raise UsageError(
                f"{gain.shape[1]} gains are not {wanted} matrices of {self.receive} by {self.transmit} antennas"
            )
        if not torch.view_as_real(gain).isfinite().all():
            raise UsageError("the matrices of the channel hold gains that are not finite; draw them again")
        return gain.unflatten(1, (vectors, self.receive, self.transmit))

    def capacity(self, snr_db: SnrDb, gain: Gain | None = None) -> Float[Tensor, " batch"]:
        """Bits per symbol of an ideal code: slow, over this draw of H; fast, or as planned, the mean over all draws.

        The code knows H at both ends with ``precoding="svd"``, else at the receiver alone.
        """
        ergodic = gain is None or self.coherence == "symbol"
        if ergodic and self.precoding == "none":
            return ergodic_capacity(self.transmit, self.receive, snr_db) / self.streams
        if gain is None or self.coherence == "symbol":
            draws = self._typical_draws()
            each = [closed_loop_capacity(draws, one.expand(len(draws))).mean() for one in snr_db.double().cpu()]
            return torch.stack(each).to(snr_db.device) / self.streams
        of = closed_loop_capacity if self.precoding == "svd" else open_loop_capacity
        return of(self.matrices(gain.to(snr_db.device)), snr_db).mean(1) / self.streams

    def layer_snr(self, snr_db: SnrDb, gain: Gain | None) -> float:
        """The SNR of AWGN with the same capacity; see :meth:`Channel.layer_snr`."""
        return 2.0 ** min(float(self.capacity(snr_db, gain)), 100.0) - 1

    def fade_offsets_db(self) -> tuple[float, ...]:
        """Quantiles over slow fading of the SNR of AWGN with the same capacity, relative to the nominal one, in dB."""
        return self._offsets_db

    def _quantiles_db(self) -> tuple[float, ...]:
        draws, snr_db = self._typical_draws(), torch.full((_QUANTILE_DRAWS,), _TYPICAL_DB)
        capacity = self.capacity(snr_db, draws.flatten(1)).double()
        equivalent_db = 10 * (2**capacity - 1).clamp_min(1e-9).log10() - _TYPICAL_DB
        levels = (torch.arange(_QUANTILES, dtype=torch.float64) + 0.5) / _QUANTILES
        return tuple(equivalent_db.quantile(levels).tolist())

    def _precoder(
        self, known: Matrices, n0: Tensor, vectors: Complex[Tensor, "batch vectors streams"]
    ) -> Complex[Tensor, "batch any transmit streams"]:
        if self.precoding == "svd":
            power = vectors.detach().abs().square().mean(1)
            mean = power.mean(1, keepdim=True)
            return svd_precoder(known, n0, torch.where(mean > 0, power / mean.clamp_min(1e-30), 1.0))
        eye = torch.eye(self.transmit, dtype=known.dtype, device=known.device) / math.sqrt(self.transmit)
        return eye.expand(len(known), 1, -1, -1)

    def _typical_draws(self) -> Complex[Tensor, "draws receive transmit"]:
        like, seed = torch.empty(0, dtype=torch.complex64), torch.Generator().manual_seed(0)
        return complex_normal((_QUANTILE_DRAWS, self.receive, self.transmit), like, seed)

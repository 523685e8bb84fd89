"""The output of a channel: what physics makes of symbols, before any receiver has touched it."""

from dataclasses import dataclass

from jaxtyping import Complex, Float, Shaped
from torch import Tensor

from deepjscc.types import Gain, SnrDb, Symbols


@dataclass(frozen=True)
class DelayDoppler:
    """Second-order statistics of fading over an OFDM grid: power over delays, and Doppler spectrum.

    Attributes:
        profile: letter of the tapped delay line of 3GPP TR 38.901, "A" or "C".
        delay_spread_s: root mean square of the delays.
        speed_m_s: speed of the receiver.
        carrier_hz: centre frequency.
        spacing_hz: spacing of the subcarriers.
        symbol_s: duration of an OFDM symbol, cyclic prefix included.
    """

    profile: str
    delay_spread_s: float
    speed_m_s: float
    carrier_hz: float
    spacing_hz: float
    symbol_s: float


@dataclass(frozen=True)
class Precoded:
    """What a transmitter of several antennas did with the symbols, which the receiver knows: x = W s of each vector.

    Attributes:
        precoder: W of each vector, or one for all.
        receive: number of receive antennas.
        uses: symbols that were sent; the last vectors may be filled up.
        by_stream: symbols fill stream after stream, else vector after vector.
    """

    precoder: Complex[Tensor, "batch matrices transmit streams"]
    receive: int
    uses: int
    by_stream: bool

    def from_vectors(self, values: Shaped[Tensor, "batch vectors streams"]) -> Shaped[Tensor, "batch uses"]:
        """Values of each symbol of each vector in the order of the symbols."""
        return (values.transpose(1, 2) if self.by_stream else values).flatten(1)[:, : self.uses]


@dataclass(frozen=True)
class ChannelOutput:
    """What physics makes of symbols z at the receiver's antenna: y = h (a z + d) + n.

    A receiver does not know all of it: :func:`deepjscc.equaliser.equalise` uses what it knows.

    Attributes:
        symbols: y.
        noise_variance: N0, the variance of n, of each complex symbol; infinite where the symbol did not arrive. May be
            an expanded view.
        gain: h of the symbols, then of the pilots where there are any; None: h = 1.
        snr_db: nominal P / N0.
        pilots: received pilots; None where the channel has none.
        statistics: of h, where the receiver is told them to smooth its estimate; None: it is not.
        clipping_gain: a, what a clipping transmitter leaves of the symbols of each image; None: it does not clip.
        distortion_variance: E|d|^2 of each image's symbols, d uncorrelated with z; None: there is none.
        precoded: of several antennas, what the transmitter did; then y holds vector after vector of all receive
            antennas, and the gain holds their matrices; None: there is one antenna at each end.
    """

    symbols: Symbols
    noise_variance: Float[Tensor, "batch uses"]
    gain: Gain | None
    snr_db: SnrDb
    pilots: Complex[Tensor, "batch pilots"] | None = None
    statistics: DelayDoppler | None = None
    clipping_gain: Float[Tensor, " batch"] | None = None
    distortion_variance: Float[Tensor, " batch"] | None = None
    precoded: Precoded | None = None

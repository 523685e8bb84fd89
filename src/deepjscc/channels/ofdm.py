"""TDL-A, TDL-C and CDL-C of 3GPP TR 38.901 under CP-OFDM, by Sionna: symbols and pilots on resource grids."""

import importlib.util
import math
from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from deepjscc.channels.base import Channel, Csi, complex_normal
from deepjscc.channels.fading import RAYLEIGH_FADE_DEPTH_DB, Rayleigh
from deepjscc.channels.output import ChannelOutput, DelayDoppler
from deepjscc.channels.resource_block import (
    DATA,
    PILOTS,
    SLOT,
    SUBCARRIERS,
    resource_block,
    sionna_draws_from,
)
from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.types import Gain, SnrDb, Symbols
from deepjscc.units import from_db, noise_variance

Profile = Literal["tdl-a", "tdl-c", "cdl-c"]
Estimator = Literal["lmmse", "ls"]

CYCLIC_PREFIX = 144 / 2048  # of an OFDM symbol (TS 38.211, 5.3.1, all symbols but the first of a half subframe)
LATEST_TAP = {"tdl-a": 9.6586, "tdl-c": 8.6523, "cdl-c": 8.6523}  # in delay spreads, TR 38.901, 7.7.2-1, -3, 7.7.1-3
SLOTS_AT_ONCE = 64  # whose frequency response is computed together: bounds memory for large pictures


class OFDM(Channel):
    """y = h_k z + n on every resource element k of CP-OFDM resource grids, one antenna at each end.

    Symbols fill resource blocks of 12 subcarriers by 14 OFDM symbols (one slot), first across the carrier, then slot
    after slot; the fade goes on from slot to slot. Of the 168 resource elements 24 are pilots of the power of the data
    (two OFDM symbols on all subcarriers) and 144 carry symbols: see :meth:`pilot_uses`. No guard carriers, no empty DC.
    Symbols of one image never share a resource block with another's.

    The channel is Sionna's in the frequency domain: neither intersymbol nor intercarrier interference, which holds
    while every echo arrives within the cyclic prefix (144/2048 of an OFDM symbol, 2.3 us at 30 kHz) and fades are slow
    against an OFDM symbol. The cyclic prefix is time and energy (7.0% of both), but not counted as channel uses: it
    carries nothing, and bandwidth ratios stay comparable with channels that have no waveform.

    The receiver's :func:`deepjscc.equaliser.equalise` knows N0. With ``csi="estimated"`` it estimates h in each
    resource block from its 24 pilots; the noise variance of an equalised symbol then is (N0 + error of the estimate) /
    |estimate|^2 for a symbol of power 1. An error of h multiplies the symbol, so strong symbols suffer more: analogue
    codes need a good estimate. With ``"receiver"`` it knows h: the reference.

    - ``estimator="lmmse"`` smooths the least squares estimates in time and frequency by the covariances of the delay
      line at this delay spread and speed (of TDL-C for CDL-C: the same delays and powers, its own Doppler spectrum).
    - ``"ls"`` has least squares alone, each subcarrier by itself, interpolated in time: as noisy as the symbols.

    Defaults are a 20 MHz carrier at 3.5 GHz (51 resource blocks of 30 kHz, TS 38.101-1, table 5.3.2-1), the nominal
    delay spread (TR 38.901, table 7.7.3-1) and 3 km/h.

    Args:
        profile: tapped delay line TDL-A or TDL-C (TR 38.901, tables 7.7.2-1 and 7.7.2-3), or clustered delay line
            CDL-C (table 7.7.1-3) between single vertically polarised, omnidirectional antennas.
        csi: "estimated" or "receiver".
        delay_spread_s: root mean square of the delays.
        speed_m_s: of the receiver.
        carrier_hz: centre frequency.
        resource_blocks: of the carrier.
        spacing_hz: of the subcarriers.
        estimator: "lmmse" or "ls".

    Raises:
        UsageError: an unknown profile, csi or estimator, a number out of range, or echoes later than the cyclic prefix.
        DeepJSCCError: Sionna is not installed.
    """

    fade_depth_db = RAYLEIGH_FADE_DEPTH_DB  # a small picture lies in one fade

    def __init__(
        self,
        profile: Profile = "tdl-a",
        csi: Csi = "estimated",
        *,
        delay_spread_s: float = 100e-9,
        speed_m_s: float = 3 / 3.6,
        carrier_hz: float = 3.5e9,
        resource_blocks: int = 51,
        spacing_hz: float = 30e3,
        estimator: Estimator = "lmmse",
    ) -> None:
        super().__init__()
        if profile not in get_args(Profile):
            raise UsageError(f"profile {profile!r} is not one of {', '.join(get_args(Profile))}")
        if csi not in ("estimated", "receiver"):
            raise UsageError(f"csi {csi!r} is not one of estimated, receiver")
        if estimator not in get_args(Estimator):
            raise UsageError(f"estimator {estimator!r} is not one of {', '.join(get_args(Estimator))}")
        if not all(map(math.isfinite, (delay_spread_s, speed_m_s, carrier_hz, spacing_hz))):
            raise UsageError("delay spread, speed, carrier and spacing must be finite")
        if delay_spread_s <= 0 or speed_m_s < 0 or carrier_hz <= 0 or spacing_hz <= 0 or resource_blocks < 1:
            raise UsageError(
                "delay spread, carrier, spacing and resource blocks must be positive, the speed at least 0"
            )
        latest, prefix = LATEST_TAP[profile] * delay_spread_s, CYCLIC_PREFIX / spacing_hz
        if latest > prefix:
            raise UsageError(
                f"the last echo of {profile} comes after {latest * 1e6:.1f} us, past the cyclic prefix of "
                f"{prefix * 1e6:.1f} us; take a smaller delay spread or subcarrier spacing"
            )
        if importlib.util.find_spec("sionna") is None:
            raise DeepJSCCError(f"{profile} needs Sionna: pip install 'deepjscc[digital]'")
        self.profile, self.csi, self.estimator = profile, csi, estimator
        self.delay_spread_s, self.speed_m_s, self.carrier_hz = delay_spread_s, speed_m_s, carrier_hz
        self.resource_blocks, self.spacing_hz = resource_blocks, spacing_hz

    def pilot_uses(self, uses: int) -> int:
        """Pilots sent with ``uses`` symbols: 24 for each resource block begun.

        What a last block leaves empty is not sent, and not counted.

        >>> from deepjscc.channels import make_channel
        >>> channel = make_channel("tdl-a")
        >>> channel.pilot_uses(144), channel.pilot_uses(145), channel.data_uses(168)
        (24, 48, 144)
        """
        return PILOTS * math.ceil(uses / DATA)

    def data_uses(self, uses: int) -> int:
        """Symbols that ``uses`` resource elements leave beside the pilots."""
        blocks, rest = divmod(uses, DATA + PILOTS)
        return DATA * blocks + max(0, rest - PILOTS)

    def draw_gain(self, batch: int, uses: int, generator: torch.Generator | None = None) -> Gain:
        """Draw h of every symbol, then of every pilot: ``[batch, uses + pilots]``.

        One number is drawn from the generator. A batch of as many images meets the same fades, however many symbols
        each has.
        """
        blocks = max(1, math.ceil(uses / DATA))
        wide = min(blocks, self.resource_blocks)
        slots = math.ceil(blocks / wide)
        with sionna_draws_from(generator):
            response = self._response(batch, slots, wide)
        # [batch, slots * 14, wide * 12] to [batch, blocks, 168], the order in which symbols fill the carrier.
        elements = response.reshape(batch, slots, SLOT, wide, SUBCARRIERS).transpose(2, 3)
        elements = elements.reshape(batch, slots * wide, -1)[:, : math.ceil(uses / DATA)]
        block = resource_block("cpu")
        data = elements[..., block.data].flatten(1)[:, :uses]
        return torch.cat([data, elements[..., block.pilots].flatten(1)], 1)

    def forward(
        self, symbols: Symbols, snr_db: SnrDb, *, gain: Gain | None = None, generator: torch.Generator | None = None
    ) -> ChannelOutput:
        """Pass symbols and pilots through; see :meth:`Channel.forward`. What arrives is in double precision."""
        batch, uses = symbols.shape
        if gain is None:
            gain = self.draw_gain(batch, uses, generator)
        n0, gain = noise_variance(snr_db), gain.to(symbols.device)
        noise = [complex_normal((batch, count), symbols, generator) for count in (uses, self.pilot_uses(uses))]
        block = resource_block(str(symbols.device))
        data, pilots = block.send(symbols, gain, torch.cat(noise, 1) * n0.sqrt()[:, None])
        statistics = None if self.estimator == "ls" else self.statistics
        return ChannelOutput(data, n0[:, None].expand(batch, uses), gain, snr_db, pilots, statistics)

    @property
    def statistics(self) -> DelayDoppler:
        """Statistics of h over the resource grid; for CDL-C those of TDL-C."""
        letter, symbol_s = self.profile[-1].upper(), (1 + CYCLIC_PREFIX) / self.spacing_hz
        return DelayDoppler(letter, self.delay_spread_s, self.speed_m_s, self.carrier_hz, self.spacing_hz, symbol_s)

    def capacity(self, snr_db: SnrDb, gain: Gain | None = None) -> Float[Tensor, " batch"]:
        """Bits per symbol (not per pilot) of an ideal code that knows h, over this draw or as planned.

        Over a draw: the mean of log2(1 + |h_k|^2 P/N0) over the image's symbols. Planned: its expectation, the ergodic
        capacity of Rayleigh fading, which each subcarrier of these profiles has.
        """
        if gain is None:
            return Rayleigh("symbol").capacity(snr_db)
        power = gain[:, : self.data_uses(gain.shape[1])].to(snr_db.device).abs().double().square()
        return torch.log2(1 + from_db(snr_db.double())[:, None] * power).mean(1)

    def _response(self, batch: int, slots: int, wide: int) -> Tensor:
        """Frequency response of the first ``wide`` resource blocks: ``[batch, slots * 14, wide * 12]``."""
        from sionna.phy.channel import cir_to_ofdm_channel, subcarrier_frequencies

        options = {"min_speed": self.speed_m_s, "max_speed": self.speed_m_s, "precision": "single", "device": "cpu"}
        kind, letter = self.profile.upper().split("-")
        if kind == "TDL":
            from sionna.phy.channel.tr38901 import TDL

            model = TDL(letter, self.delay_spread_s, self.carrier_hz, **options)
        else:
            from sionna.phy.channel.tr38901 import CDL, Antenna

            antenna = Antenna("single", "V", "omni", self.carrier_hz, precision="single", device="cpu")
            model = CDL(letter, self.delay_spread_s, self.carrier_hz, antenna, antenna, **options)
        coefficients, delays = model(batch, slots * SLOT, self.spacing_hz / (1 + CYCLIC_PREFIX))
        carrier = subcarrier_frequencies(SUBCARRIERS * self.resource_blocks, self.spacing_hz, "single", "cpu")
        parts = [
            cir_to_ofdm_channel(carrier[: SUBCARRIERS * wide], part, delays)
            for part in coefficients.split(SLOT * SLOTS_AT_ONCE, -1)
        ]
        return torch.cat(parts, -2)[:, 0, 0, 0, 0]

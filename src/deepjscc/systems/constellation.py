"""A transmitter whose symbols are points of a finite constellation, and the receiver that knows what rounding costs.

    symbols ─► interleaving, unitary spreading ─► rounding to points ─► channel
            ─► scaling ─► inverse spreading, deinterleaving ─► symbols, noise

The strongest symbols of an analog code lie 20 dB above the mean: no constellation of bounded points holds them. Spread
over all channel uses every symbol is a sum of all of them, nearly Gaussian and of the same power, and rounding costs
each the same small noise, which the receiver adds to that of the channel. The transmitter plans for both.

Interleaved first, because the strongest symbols of an analog code are neighbours: their transform would change slowly
from symbol to symbol, and the distortion of a coarse constellation, a product of several of them, would fall upon them
again instead of on all symbols alike.
"""

from dataclasses import replace
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn

from deepjscc.digital.finite_constellation import FiniteConstellation
from deepjscc.symbols import mean_power
from deepjscc.systems.analog_spreading import despread, spread
from deepjscc.types import Decoded, Encoded, Images, LinkPlan, Received, Size, SnrDb, Symbols

_INTERLEAVER = 64031  # of the pseudo-random order
_DITHER = 1e-6  # amplitude that decides to which points the symbols of an image without any power are rounded


@runtime_checkable
class AnalogTransceiver(Protocol):
    """A transmitter and receiver of symbols alone: a model, or a hybrid with a real channel code."""

    def encode(self, images: Images, plan: LinkPlan) -> Encoded:
        """See :meth:`deepjscc.systems.base.Transmitter.encode`."""
        ...

    def receive(self, received: Received, size: Size) -> Decoded:
        """See :meth:`deepjscc.systems.base.Receiver.receive`."""
        ...


class ConstellationTransceiver(nn.Module):
    """A transmitter and receiver of symbols, between which only points of a constellation are sent.

    In training mode the gradient passes the rounding as
    :meth:`deepjscc.digital.finite_constellation.FiniteConstellation.round` says.

    Args:
        inner: what encodes images to symbols of mean power 1, and decodes them.
        constellation: its points.
    """

    supports_prefix = False
    supports_tiles = False

    def __init__(self, inner: AnalogTransceiver, constellation: FiniteConstellation) -> None:
        super().__init__()
        self.inner, self.constellation = inner, constellation
        self.train(getattr(inner, "training", False))

    def around(self, inner: AnalogTransceiver) -> "ConstellationTransceiver":
        """Another transmitter and receiver with the same constellation."""
        return ConstellationTransceiver(inner, self.constellation)

    @property
    def kind(self) -> str:
        """What it is, for messages."""
        return f"{getattr(self.inner, 'kind', type(self.inner).__name__)} in {self.constellation.name}"

    @property
    def encoder_uses_snr(self) -> bool:
        """See :class:`deepjscc.systems.base.System`."""
        return getattr(self.inner, "encoder_uses_snr", True)

    def encode(self, images: Images, plan: LinkPlan) -> Encoded:
        """Encode for a link with the noise of channel and rounding together, spread, and round.

        Raises:
            UsageError: a bandwidth ratio that the transmitter does not make.
        """
        return self.encode_for(self.constellation.effective_snr_db(plan.design_snr_db), images, plan)

    def encode_for(self, effective_snr_db: SnrDb, images: Images, plan: LinkPlan) -> Encoded:
        """Encode for an SNR that has the noise of rounding in it already; see :meth:`encode`."""
        encoded = self.inner.encode(images, replace(plan, design_snr_db=effective_snr_db))
        return replace(encoded, symbols=self.constellation.round(spread_rows(encoded), soft=self.training))

    def receive(self, received: Received, size: Size) -> Decoded:
        """Undo scaling and spreading, add the noise of rounding to that of the channel, and decode."""
        symbols = self.constellation.restore(received.symbols)
        noise = self.constellation.noise_variance(received.noise_variance)
        return self.receive_spread(replace(received, symbols=symbols, noise_variance=noise), size)

    def receive_spread(self, received: Received, size: Size) -> Decoded:
        """Decode spread symbols at the scale of those before rounding, whose noise is that of channel and rounding."""
        rows = [
            _despread(symbols[:count], noise[:count])
            for symbols, noise, count in zip(received.symbols, received.noise_variance, _counts(received), strict=True)
        ]
        symbols = _padded([row for row, _ in rows], received.symbols)
        noise = _padded([row for _, row in rows], received.noise_variance, torch.inf)
        # All symbols of an image have the same noise now, fading included: it is the SNR that a decoder is told.
        snr_db = torch.stack([-10 * row[0].clamp(1e-20, 1e20).log10() for _, row in rows]).to(received.snr_db)
        return self.inner.receive(
            replace(received, symbols=symbols, noise_variance=noise, gain=None, snr_db=snr_db), size
        )


def spread_rows(encoded: Encoded) -> Symbols:
    """The symbols of each image spread over its own channel uses, before rounding."""
    rows = zip(encoded.symbols, _counts(encoded), strict=True)
    return _padded([_spread(_with_power(row[:count])) for row, count in rows], encoded.symbols)


def _spread(symbols: Tensor) -> Tensor:
    """Interleave and spread the symbols of one image."""
    return spread(symbols[_order(symbols)])


def _despread(symbols: Tensor, noise_variance: Tensor) -> tuple[Tensor, Tensor]:
    """The inverse of :func:`_spread`, and the noise variance of each symbol."""
    spread_back, noise = despread(symbols, noise_variance)
    return torch.empty_like(spread_back).index_copy(0, _order(symbols), spread_back), noise


def _order(symbols: Tensor) -> Tensor:
    """A fixed pseudo-random order of as many symbols: the ranks of raw output of PCG64, the same on every machine."""
    words = np.random.PCG64(_INTERLEAVER).random_raw(len(symbols))
    return torch.from_numpy(words.argsort(kind="stable")).to(symbols.device)


def _with_power(symbols: Tensor) -> Tensor:
    """The symbols, or in place of an image that has no power noise far below the first level."""
    if mean_power(symbols[None]) > 0:
        return symbols
    draws = torch.Generator().manual_seed(0)
    return _DITHER * torch.randn(symbols.shape, dtype=symbols.dtype, generator=draws).to(symbols.device)


def _counts(symbols: Encoded | Received) -> tuple[int, ...]:
    """Symbols of each image."""
    return symbols.counts or (symbols.symbols.shape[1],) * len(symbols.symbols)


def _padded(rows: list[Tensor], like: Tensor, filling: float = 0.0) -> Tensor:
    """Rows of unlike length as one tensor of the shape of ``like``."""
    width = like.shape[1]
    return torch.stack([nn.functional.pad(row, (0, width - len(row)), value=filling) for row in rows])

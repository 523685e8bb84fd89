"""A 5G resource block by Sionna: data and pilots onto its resource elements, the channel, estimation and equalising."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import repeat
from typing import Any

import torch
from torch import Tensor

from deepjscc.types import Symbols

SUBCARRIERS = 12  # of a resource block (TS 38.211, 4.4.4.1)
SLOT = 14  # OFDM symbols, normal cyclic prefix (TS 38.211, table 4.3.2-1)
PILOT_SYMBOLS = (2, 11)  # of a slot: where 5G puts a front-loaded reference signal and one more for moving users
PILOTS = SUBCARRIERS * len(PILOT_SYMBOLS)
DATA = SUBCARRIERS * SLOT - PILOTS
BLOCKS_AT_ONCE = 4096  # that are estimated and equalised together: bounds memory for large pictures
_NO_NOISE = 1e-12  # N0 that the receiver is told where there is none; it divides by it


class ResourceBlock:
    """Sionna's parts around resource blocks of 12 subcarriers by 14 OFDM symbols, on one device.

    In double precision: at high SNR the equaliser's noise variance is a small difference of ones.

    Args:
        device: as torch names it.
        time, frequency: covariances of the channel over a slot and over a block's subcarriers, by which the estimator
            smooths; None: least squares alone.
    """

    def __init__(self, device: str, time: Tensor | None = None, frequency: Tensor | None = None) -> None:
        import_sionna()
        from sionna.phy import mimo, ofdm
        from sionna.phy.channel import ApplyOFDMChannel

        here: dict[str, Any] = {"precision": "double", "device": device}
        pilot = torch.zeros(SLOT, SUBCARRIERS, dtype=torch.bool)
        pilot[list(PILOT_SYMBOLS)] = True
        pattern = ofdm.PilotPattern(pilot[None, None], torch.full((1, 1, PILOTS), (1 + 1j) / math.sqrt(2)), **here)
        # Nothing here depends on the spacing: in the frequency domain it is in the response.
        grid = ofdm.ResourceGrid(SLOT, SUBCARRIERS, 30e3, pilot_pattern=pattern, **here)
        self._mapper, self._apply = ofdm.ResourceGridMapper(grid, **here), ApplyOFDMChannel(**here)
        if time is None or frequency is None:
            self._estimator = ofdm.LSChannelEstimator(grid, "lin", **here)
        else:
            self._estimator = ofdm.LMMSEChannelEstimator(grid, time, frequency, order="t-f", **here)
        one_link = mimo.StreamManagement(torch.ones(1, 1, dtype=torch.int64).numpy(), 1)
        self._equaliser = ofdm.LMMSEEqualizer(grid, one_link, **here)
        self.data, self.pilots = (where.flatten().nonzero()[:, 0].to(device) for where in (~pilot, pilot))
        self._order = torch.cat([self.data, self.pilots]).argsort()

    def send(self, symbols: Symbols, gain: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Symbols and pilots through the channel.

        Args:
            symbols: ``[batch, uses]``.
            gain, noise: of symbols and then of pilots, ``[batch, uses + pilots]``.

        Returns:
            What is received and the response, each ``[batch * blocks, 1, 1, 14, 12]``.
        """
        uses = symbols.shape[1]
        response = self._place(gain[:, :uses], gain[:, uses:], 1.0)
        sent = self._mapper(_in_blocks(symbols, 0.0)[:, None, None])
        return self._apply(sent, response[:, None, None]) + self._place(noise[:, :uses], noise[:, uses:], 0.0), response

    def receive(self, received: Tensor, n0: Tensor, response: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """Estimate and equalise.

        Args:
            received: of :meth:`send`.
            n0: noise variance of each block.
            response: the response where it is known, else None.

        Returns:
            Of each symbol, ``[batch * blocks, 144]``: its equalised self, its noise variance, and the gain g for which
            N0 / |g|^2 is that variance: the response, or the estimate made smaller by what its error adds to the noise.
        """
        n0 = n0.double().clamp_min(_NO_NOISE)
        responses = repeat(None) if response is None else response.split(BLOCKS_AT_ONCE)
        pieces = map(self._receive, received.split(BLOCKS_AT_ONCE), n0.split(BLOCKS_AT_ONCE), responses)
        symbols, variances, gains = (torch.cat(parts) for parts in zip(*pieces, strict=True))
        return symbols, variances, gains

    def _receive(self, received: Tensor, n0: Tensor, response: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        if response is None:
            estimate, error = self._estimator(received, n0)
        else:
            estimate = response[:, None, None].to(torch.complex128)
            error = torch.zeros_like(estimate.real)
        equalised, variance = self._equaliser(received, estimate, error, n0)
        known, doubt = (part.expand(estimate.shape).flatten(1)[:, self.data] for part in (estimate, error))
        share = (n0[:, None] / (n0[:, None] + doubt)).sqrt()
        return equalised.flatten(1), variance.flatten(1), known * share

    def _place(self, data: Tensor, pilots: Tensor, fill: float) -> Tensor:
        """Values of symbols and pilots to ``[batch * blocks, 1, 1, 14, 12]``; ``fill`` where no symbol is."""
        both = torch.cat([_in_blocks(data, fill), pilots.reshape(-1, PILOTS)], 1)
        return both[:, self._order].reshape(-1, 1, 1, SLOT, SUBCARRIERS)


def _in_blocks(values: Tensor, fill: float) -> Tensor:
    """``[batch, uses]`` to ``[batch * blocks, 144]``, the last block of each image filled up."""
    return torch.nn.functional.pad(values, (0, -values.shape[1] % DATA), value=fill).reshape(-1, DATA)


def import_sionna() -> None:
    """Import it (seconds) without what that does to torch's own generators: it seeds them anew."""
    with torch.random.fork_rng(range(torch.cuda.device_count())):
        import sionna.phy  # noqa: F401


@contextmanager
def sionna_draws_from(generator: torch.Generator | None) -> Iterator[None]:
    """Sionna draws from a generator of its own: set that by one draw from ours, and put it back afterwards."""
    import_sionna()
    from sionna.phy import config

    device = "cpu" if generator is None else generator.device
    seed = int(torch.randint(2**62, (), generator=generator, device=device))
    theirs = config.torch_rng("cpu")
    before = theirs.get_state()
    theirs.set_state(torch.Generator().manual_seed(seed).get_state())
    try:
        yield
    finally:
        theirs.set_state(before)

"""A 5G resource block by Sionna: symbols and pilots onto its resource elements, and through the channel."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch import Tensor

from deepjscc.types import Symbols

SUBCARRIERS = 12  # of a resource block (TS 38.211, 4.4.4.1)
SLOT = 14  # OFDM symbols, normal cyclic prefix (TS 38.211, table 4.3.2-1)
PILOT_SYMBOLS = (2, 11)  # of a slot: where 5G puts a front-loaded reference signal and one more for moving users
PILOTS = SUBCARRIERS * len(PILOT_SYMBOLS)
DATA = SUBCARRIERS * SLOT - PILOTS


class ResourceBlock:
    """Sionna's resource blocks of 12 subcarriers by 14 OFDM symbols, on one device and in double precision.

    Args:
        device: as torch names it.

    Attributes:
        grid: Sionna's description of the block and its pilots.
        data, pilots: resource elements of the symbols and of the pilots, in the order in which they are filled.
    """

    def __init__(self, device: str) -> None:
        import_sionna()
        from sionna.phy import ofdm
        from sionna.phy.channel import ApplyOFDMChannel

        here: dict[str, Any] = {"precision": "double", "device": device}
        pilot = torch.zeros(SLOT, SUBCARRIERS, dtype=torch.bool)
        pilot[list(PILOT_SYMBOLS)] = True
        pattern = ofdm.PilotPattern(pilot[None, None], torch.full((1, 1, PILOTS), (1 + 1j) / math.sqrt(2)), **here)
        # Nothing here depends on the spacing: in the frequency domain it is in the response.
        self.grid = ofdm.ResourceGrid(SLOT, SUBCARRIERS, 30e3, pilot_pattern=pattern, **here)
        self._mapper, self._apply = ofdm.ResourceGridMapper(self.grid, **here), ApplyOFDMChannel(**here)
        self.data, self.pilots = (where.flatten().nonzero()[:, 0].to(device) for where in (~pilot, pilot))
        self._order = torch.cat([self.data, self.pilots]).argsort()

    def send(self, symbols: Symbols, gain: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Symbols and pilots through the channel.

        Args:
            symbols: ``[batch, uses]``.
            gain, noise: of symbols and then of pilots, ``[batch, uses + pilots]``.

        Returns:
            Received symbols ``[batch, uses]`` and received pilots ``[batch, pilots]``.
        """
        batch, uses = symbols.shape
        response = self.place(gain[:, :uses], gain[:, uses:], 1.0)
        sent = self._mapper(_in_blocks(symbols, 0.0)[:, None, None])
        received = self._apply(sent, response[:, None, None]) + self.place(noise[:, :uses], noise[:, uses:], 0.0)
        elements = received.flatten(1)
        data, pilots = (elements[:, where].reshape(batch, -1) for where in (self.data, self.pilots))
        return data[:, :uses], pilots

    def place(self, data: Tensor, pilots: Tensor, fill: float) -> Tensor:
        """Values of symbols and pilots to ``[batch * blocks, 1, 1, 14, 12]``; ``fill`` where no symbol is."""
        both = torch.cat([_in_blocks(data, fill), pilots.reshape(-1, PILOTS)], 1)
        return both[:, self._order].reshape(-1, 1, 1, SLOT, SUBCARRIERS)


@cache
def resource_block(device: str) -> ResourceBlock:
    """Resource blocks on a device, made when first needed."""
    return ResourceBlock(device)


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

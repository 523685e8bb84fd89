"""The link one really builds: 5G LDPC codes and QAM, by the table of block error rates or bit by bit."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from deepjscc.channels import AWGN, Channel, Rayleigh
from deepjscc.digital.bler import arrival_probability
from deepjscc.digital.blocks import block
from deepjscc.digital.coding import sinr_db
from deepjscc.digital.schemes import BLOCK_BITS, STANDARD, Scheme, split_into_blocks
from deepjscc.errors import UsageError
from deepjscc.types import LayerChannel, Symbols

SURE = 0.99  # probability with which a picture should arrive at the SNR planned for


@dataclass(frozen=True)
class LDPC:
    """Blocks of at most 6144 coded bits, each with its CRC; one that is lost loses the picture.

    For the design SNR the scheme with the highest rate is taken with which the picture arrives with a probability
    of :data:`SURE`; where there is none, the most robust one. Following the SNR this is an envelope (a genie adapts);
    planned for one SNR, or with one scheme, it is a link with its cliff.

    Attributes:
        schemes: to choose from.
        design_snr_db: plan for this SNR whatever the transmitter believes.
        simulate: send every bit through code, channel and decoder; else whether a picture arrives is drawn with the
            probability that the table of block error rates gives.
    """

    schemes: tuple[Scheme, ...] = STANDARD
    design_snr_db: float | None = None
    simulate: bool = False

    def choose(self, uses: int, channel: Channel, snr_db: float) -> Scheme:
        """Choose the scheme for a planned SNR.

        Raises:
            UsageError: too few uses for the shortest block of any scheme.
        """
        able = [one for one in self.schemes if message_bits(one, uses)]
        if not able:
            shortest = BLOCK_BITS[-1]
            raise UsageError(f"{uses} channel uses hold no block: the shortest has {shortest} coded bits")
        if len(able) == 1:
            return able[0]
        kind = table_of(channel)
        sure = [one for one in able if arrival_probability(kind, one, blocks_of(one, uses), snr_db) >= SURE]
        if sure:
            return max(sure, key=lambda one: message_bits(one, uses))
        return min(able, key=lambda one: one.efficiency)

    def plan(self, uses: int, channel: Channel, design_snr_db: float, analog_share: float = 0.0) -> "PlannedLDPC":
        """See :meth:`deepjscc.digital.coding.Coding.plan`."""
        snr_db = design_snr_db if self.design_snr_db is None else self.design_snr_db
        scheme = self.choose(uses, channel, sinr_db(snr_db, analog_share))
        return PlannedLDPC(scheme, uses, None if self.simulate else table_of(channel))


@dataclass(frozen=True)
class PlannedLDPC:
    """One scheme of rate and modulation for a given number of channel uses.

    Attributes:
        scheme: modulation and code rate.
        uses: complex channel uses; those that the blocks leave over stay silent.
        table: name of the channel in the table of block error rates; None: every bit is sent.
    """

    scheme: Scheme
    uses: int
    table: str | None

    @property
    def random(self) -> bool:
        """True: noise or the table decides."""
        return True

    @property
    def bits(self) -> int:
        """Bits of all blocks' messages, without their CRCs."""
        return message_bits(self.scheme, self.uses)

    def uses_of(self, data: bytes) -> int:
        """See :class:`deepjscc.types.ChannelCode`."""
        return self.uses

    def arrives(self, over: LayerChannel) -> bool:
        """Draw whether all blocks arrive, from the table.

        Raises:
            DeepJSCCError: a channel that the table of block error rates does not have.
        """
        assert self.table is not None
        blocks = blocks_of(self.scheme, self.uses)
        return over.draw < arrival_probability(self.table, self.scheme, blocks, over.snr_db)

    def modulate(self, data: bytes) -> Symbols | None:
        """Code and modulate the bytes; header bytes beyond the blocks' room do not count and are not sent.

        Raises:
            DeepJSCCError: there is no Sionna to simulate with.
        """
        if self.table is not None:
            return None
        codes, room = self._codes(), self.bits
        bits_of_data = np.unpackbits(np.frombuffer(data[: room // 8], dtype=np.uint8))
        bits = torch.from_numpy(np.pad(bits_of_data, (0, room - len(bits_of_data))).astype(np.float32))
        parts = bits.split([code.message_bits for code in codes])
        sent = torch.cat([code.encode(part[None])[0] for code, part in zip(codes, parts, strict=True)])
        return torch.cat([sent, torch.zeros(self.uses - len(sent), dtype=sent.dtype)])[None]

    def demodulate(
        self, symbols: Symbols, noise_variance: Float[Tensor, "batch uses"], expected: bytes
    ) -> bytes | None:
        """Decode all blocks; see :meth:`deepjscc.types.ChannelCode.demodulate`."""
        decoded: list[torch.Tensor] = []
        start = 0
        for code in self._codes():
            here = slice(start, start + code.uses)
            bits_of_block, right = code.decode(symbols[:, here], noise_variance[:, here])
            if not right.all():
                return None
            decoded.append(bits_of_block[0])
            start += code.uses
        received = np.packbits(torch.cat(decoded).numpy().astype(np.uint8)).tobytes()
        sent_bytes = min(len(expected), self.bits // 8)
        return received[:sent_bytes] + expected[sent_bytes:]

    def _codes(self) -> list:
        return [block(self.scheme, block_bits) for block_bits in blocks_of(self.scheme, self.uses)]


def blocks_of(scheme: Scheme, uses: int) -> list[int]:
    """Coded bits of every block that so many channel uses hold; those too short for a message are left out."""
    blocks = split_into_blocks(uses * scheme.bits_per_symbol)
    return [block_bits for block_bits in blocks if scheme.message_bits(block_bits) >= 1]


def message_bits(scheme: Scheme, uses: int) -> int:
    """Bits that all blocks together carry."""
    return sum(map(scheme.message_bits, blocks_of(scheme, uses)))


def table_of(channel: Channel) -> str:
    """Name under which the table has a channel; slow fading is AWGN at the SNR of the fade.

    Raises:
        UsageError: none.
    """
    if isinstance(channel, AWGN) or channel.coherence == "image":
        return "awgn"
    if isinstance(channel, Rayleigh):
        return "fast_rayleigh"
    raise UsageError(
        "there are block error rates for AWGN, slow fading and fast Rayleigh fading; name the scheme and --simulate"
    )

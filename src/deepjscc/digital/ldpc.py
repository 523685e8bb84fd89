"""The link one really builds: 5G LDPC codes and QAM, by the table of block error rates or bit by bit."""

from dataclasses import dataclass, replace

import numpy as np
import torch

from deepjscc.channels import AWGN, Channel, Rayleigh
from deepjscc.digital.bler import arrival_probability
from deepjscc.digital.blocks import block
from deepjscc.digital.coding import Passage, planned_snr_db
from deepjscc.digital.schemes import BLOCK_BITS, STANDARD, Scheme, split_into_blocks
from deepjscc.errors import UsageError
from deepjscc.seeds import generator as seeded
from deepjscc.types import Gain, SnrDb

SURE = 0.99  # probability with which a picture should arrive at the SNR planned for


@dataclass(frozen=True)
class LDPC:
    """Blocks of at most 6144 coded bits, each with its CRC; one that is lost loses the picture.

    For the SNR planned for, the scheme with the highest rate is taken with which the picture arrives with a probability
    of :data:`SURE`; where there is none, the most robust one. Following the SNR this is an envelope (a genie adapts);
    planned for one SNR, or with one scheme, it is a link with its cliff.

    Attributes:
        schemes: to choose from.
        plan_snr_db: plan for this SNR whatever the transmitter believes.
        simulate: send every bit through code, channel and decoder; else whether a picture arrives is drawn with the
            probability that the table of block error rates gives.
    """

    schemes: tuple[Scheme, ...] = STANDARD
    plan_snr_db: float | None = None
    simulate: bool = False

    def choose(self, uses: int, channel: Channel, snr_db: float) -> Scheme:
        """The scheme for a planned SNR.

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

    def bits(self, uses: int, channel: Channel, encoder_snr_db: SnrDb) -> list[int]:
        """Bits of all blocks' messages, without their CRCs."""
        return [message_bits(one, uses) for one in self._chosen(uses, channel, encoder_snr_db)]

    def carry(self, messages: list[bytes | None], over: Passage) -> list[bytes | None]:
        """What arrives; see :meth:`deepjscc.digital.coding.Coding.carry`.

        Raises:
            DeepJSCCError: a channel that the table of block error rates does not have, or no Sionna to simulate with.
        """
        # One draw an image whatever becomes of the others: images in a batch are strangers.
        draws = torch.rand(len(messages), generator=over.generator).tolist()
        schemes = self._chosen(over.uses, over.channel, over.encoder_snr_db)
        arrived: list[bytes | None] = []
        for index, (message, scheme, drawn) in enumerate(zip(messages, schemes, draws, strict=True)):
            if message is not None:
                alone = one_image(over, index, seeded("bits", drawn))
                if self.simulate:
                    message = send_bits(message, scheme, alone)
                elif drawn >= chance(scheme, alone):
                    message = None
            arrived.append(message)
        return arrived

    def _chosen(self, uses: int, channel: Channel, encoder_snr_db: SnrDb) -> list[Scheme]:
        planned = planned_snr_db(self.plan_snr_db, encoder_snr_db).tolist()
        chosen = {snr_db: self.choose(uses, channel, snr_db) for snr_db in set(planned)}
        return [chosen[snr_db] for snr_db in planned]


def blocks_of(scheme: Scheme, uses: int) -> list[int]:
    """Coded bits of every block that so many channel uses hold; those too short for a message are left out."""
    blocks = split_into_blocks(uses * scheme.bits_per_symbol)
    return [block_bits for block_bits in blocks if scheme.message_bits(block_bits) >= 1]


def message_bits(scheme: Scheme, uses: int) -> int:
    """Bits that all blocks together carry."""
    return sum(map(scheme.message_bits, blocks_of(scheme, uses)))


def table_of(channel: Channel) -> str:
    """Under which name the table has a channel; slow fading is AWGN at the SNR of the fade.

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


def faded_snr_db(snr_db: SnrDb, gain: Gain | None) -> SnrDb:
    """The SNR that a slow fade leaves."""
    return snr_db if gain is None else snr_db + 20 * torch.log10(gain[:, 0].abs().clamp_min(1e-10))


def one_image(over: Passage, index: int, generator: torch.Generator) -> Passage:
    """The part of a passage that one image meets, with noise of its own."""
    here = slice(index, index + 1)
    gain = None if over.gain is None else over.gain[here]
    return Passage(over.uses, over.channel, over.snr_db[here], over.encoder_snr_db[here], gain, generator)


def chance(scheme: Scheme, over: Passage) -> float:
    """Probability by the table that one image's blocks all arrive.

    Raises:
        DeepJSCCError: a channel that the table of block error rates does not have.
    """
    slow = over.channel.coherence == "image"
    snr_db = faded_snr_db(over.snr_db, over.gain) if slow else over.snr_db
    return arrival_probability(table_of(over.channel), scheme, blocks_of(scheme, over.uses), snr_db.item())


def send_bits(message: bytes, scheme: Scheme, over: Passage) -> bytes | None:
    """A message through code, modulation, channel and decoder; None where a CRC came out wrong.

    Args:
        message: the receiver knows its length, and what goes beyond the blocks: header bytes that were not counted.
        scheme: modulation and code rate.
        over: the channel, for one image; uses that the blocks leave over stay silent.
    """
    codes = [block(scheme, block_bits) for block_bits in blocks_of(scheme, over.uses)]
    room = sum(code.message_bits for code in codes)
    sent_bytes = min(len(message), room // 8)
    data = np.unpackbits(np.frombuffer(message[:sent_bytes], dtype=np.uint8))
    bits = torch.from_numpy(np.pad(data, (0, room - len(data))).astype(np.float32))
    parts = bits.split([code.message_bits for code in codes])
    sent = torch.cat([code.encode(part[None])[0] for code, part in zip(codes, parts, strict=True)])
    symbols = torch.cat([sent, torch.zeros(over.uses - len(sent), dtype=sent.dtype)])[None]
    received = over.channel(symbols, over.snr_db, gain=over.gain, generator=over.generator)
    if received.gain is None and over.gain is not None:
        power = over.gain.abs().square()
        received = replace(
            received,
            symbols=received.symbols * over.gain.conj() / power,
            noise_variance=received.noise_variance / power,
        )
    decoded: list[torch.Tensor] = []
    start = 0
    for code in codes:
        here = slice(start, start + code.uses)
        bits_of_block, right = code.decode(received.symbols[:, here], received.noise_variance[:, here])
        if not right.all():
            return None
        decoded.append(bits_of_block[0])
        start += code.uses
    received_bytes = np.packbits(torch.cat(decoded).numpy().astype(np.uint8)).tobytes()
    return received_bytes[:sent_bytes] + message[sent_bytes:]

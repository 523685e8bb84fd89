"""One block over the air: CRC 24A, 5G LDPC code with rate matching, QAM, and the way back; coders by Sionna."""

import warnings
from functools import lru_cache

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from deepjscc.digital.modulation import QAM, Bits
from deepjscc.digital.schemes import Scheme
from deepjscc.digital.sionna import sionna
from deepjscc.errors import UsageError
from deepjscc.types import Symbols

ITERATIONS = 20  # at most: a block whose CRC is right stops at the next check
BETWEEN_CHECKS = 4
LOWEST_RATE = 1 / 5  # of the code itself; below it bits are repeated


class Block:
    """Bits of one block to symbols and back.

    The code is that of 3GPP TS 38.212: CRC 24A over the message, LDPC with rate matching and the interleaver of the
    modulation; flooding belief propagation with the exact (boxplus) check rule.

    Args:
        scheme: modulation and code rate.
        block_bits: coded bits.
        device: where it works.

    Raises:
        UsageError: too short a block for this rate.
        DeepJSCCError: Sionna is not installed.
    """

    def __init__(self, scheme: Scheme, block_bits: int, device: str = "cpu") -> None:
        code_bits, self.message_bits = scheme.code_bits(block_bits), scheme.message_bits(block_bits)
        if self.message_bits < 1:
            raise UsageError(f"{block_bits} coded bits at rate {scheme.rate_1024:g}/1024 hold no message beside a CRC")
        library = sionna()
        self.uses = block_bits // scheme.bits_per_symbol
        self._qam = QAM(scheme.bits_per_symbol, device)
        sent_bits = min(block_bits, int(code_bits / LOWEST_RATE))
        self._repeated, self._sent_bits = torch.arange(block_bits, device=device) % sent_bits, sent_bits
        self._crc = library.CRCEncoder("CRC24A", device=device)
        self._check = library.CRCDecoder(self._crc, device=device)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # rates a hair over 948/1024, which the standard allows
            interleaved = scheme.bits_per_symbol if sent_bits == block_bits else None
            self._encoder = library.LDPC5GEncoder(
                code_bits, sent_bits, num_bits_per_symbol=interleaved, device=device, check_input=False
            )
        self._decoder = library.LDPC5GDecoder(self._encoder, return_state=True, device=device)

    def encode(self, messages: Bits) -> Symbols:
        """Messages ``[blocks, message_bits]`` to symbols of mean power 1."""
        coded = self._encoder(self._crc(messages))
        return self._qam.modulate(coded[:, self._repeated])

    def decode(
        self, symbols: Symbols, noise_variance: Float[Tensor, "blocks uses"]
    ) -> tuple[Bits, Bool[Tensor, " blocks"]]:
        """Equalised symbols, and N0 (over |h|^2) of each, to messages and whether their CRC is right."""
        logits = self._qam.soft_bits(symbols, noise_variance)
        combined = logits.new_zeros(len(logits), self._sent_bits).index_add_(1, self._repeated, logits)
        messages = logits.new_empty(len(logits), self.message_bits)
        right = torch.zeros(len(logits), dtype=torch.bool, device=logits.device)
        left, state = torch.arange(len(logits), device=logits.device), None
        for _ in range(ITERATIONS // BETWEEN_CHECKS):
            decoded, state = self._decoder(combined[left], num_iter=BETWEEN_CHECKS, msg_v2c=state)
            checked, valid = self._check(decoded)
            messages[left], right[left] = checked, valid[:, 0]
            left, state = left[~valid[:, 0]], state[~valid[:, 0]]  # whose check is right needs no more iterations
            if not len(left):
                break
        return messages, right


@lru_cache(maxsize=64)
def block(scheme: Scheme, block_bits: int, device: str = "cpu") -> Block:
    """A block, built once: its parity-check graph takes a moment."""
    return Block(scheme, block_bits, device)

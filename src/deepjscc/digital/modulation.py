"""Square QAM with Gray labels as 5G has it: bits to symbols and, softly, back; constellation and demapper by Sionna."""

import torch
from jaxtyping import Float
from torch import Tensor

from deepjscc.digital.sionna import sionna
from deepjscc.types import Symbols

Bits = Float[Tensor, "blocks bits"]  # 0 and 1 as floats, as Sionna has them


class QAM:
    """Constellation of mean power 1 (3GPP TS 38.211, sec. 5.1).

    Args:
        bits_per_symbol: 2, 4, 6 or 8.
        device: where it works.

    Raises:
        DeepJSCCError: Sionna is not installed.
    """

    def __init__(self, bits_per_symbol: int, device: str = "cpu") -> None:
        library = sionna()
        self.bits_per_symbol = bits_per_symbol
        self._mapper = library.Mapper("qam", bits_per_symbol, device=device)
        self._demapper = library.Demapper("app", "pam", bits_per_symbol // 2, device=device)

    def modulate(self, bits: Bits) -> Symbols:
        """Bits, a multiple of those of a symbol, to symbols."""
        return self._mapper(bits)

    def soft_bits(self, symbols: Symbols, noise_variance: Float[Tensor, "blocks uses"]) -> Float[Tensor, "blocks bits"]:
        """Logits of the bits, ``log p(1)/p(0)``, exact, given equalised symbols and their noise variance.

        The bits of a symbol alternate between I and Q, which are demapped apart: 2 x 16 points instead of 256. Each
        axis is scaled to unit power; its noise of variance N0, not N0/2 as one part of a complex one, is 2 N0 in the
        terms of a complex demapper.
        """
        axes = torch.stack([symbols.real, symbols.imag], -1) * 2**0.5
        noise = 2 * noise_variance.clamp_min(1e-6)
        logits = self._demapper(axes.to(symbols.dtype), noise[..., None].expand(axes.shape))
        per_axis = logits.reshape(*axes.shape, -1)  # blocks, uses, axis, bits of the axis
        return per_axis.transpose(2, 3).reshape(len(symbols), -1)

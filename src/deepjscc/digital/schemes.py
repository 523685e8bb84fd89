"""Modulation and coding schemes: which QAM with which code rate, as the standard and the papers list them."""

from dataclasses import dataclass

BITS = {"qpsk": 2, "16qam": 4, "64qam": 6, "256qam": 8}
BLOCK_BITS = (6144, 1536, 384)  # coded bits of a block; 6144 is what deep JSCC papers compare with
CRC_BITS = 24


@dataclass(frozen=True)
class Scheme:
    """A square QAM and the rate of the LDPC code before it.

    Attributes:
        modulation: qpsk, 16qam, 64qam or 256qam.
        rate_1024: code rate times 1024, as the standard writes it.
    """

    modulation: str
    rate_1024: float | int

    @property
    def name(self) -> str:
        """Such as ``16qam-490``: modulation and 1024 times the code rate."""
        return f"{self.modulation}-{self.rate_1024:g}"

    @property
    def bits_per_symbol(self) -> int:
        """Coded bits in a symbol."""
        return BITS[self.modulation]

    @property
    def efficiency(self) -> float:
        """Information bits per symbol, before the CRC.

        >>> Scheme("16qam", 512).efficiency
        2.0
        """
        return self.bits_per_symbol * self.rate_1024 / 1024

    def code_bits(self, block_bits: int) -> int:
        """Bits that go into the code of a block: the message's and the CRC's."""
        return int(block_bits * self.rate_1024 / 1024)

    def message_bits(self, block_bits: int) -> int:
        """Bits of the message that a block carries."""
        return self.code_bits(block_bits) - CRC_BITS


def _table(modulation: str, *rates: float | int) -> tuple[Scheme, ...]:
    return tuple(Scheme(modulation, rate) for rate in rates)


# 3GPP TS 38.214, table 5.1.3.1-2, indices 0 to 27.
STANDARD = (
    *_table("qpsk", 120, 193, 308, 449, 602),
    *_table("16qam", 378, 434, 490, 553, 616, 658),
    *_table("64qam", 466, 517, 567, 616, 666, 719, 772, 822, 873),
    *_table("256qam", 682.5, 711, 754, 797, 841, 885, 916.5, 948),
)
# What deep JSCC papers draw beside their curves (Kurka and Gündüz 2020 and after).
PAPERS = (
    *_table("qpsk", 1024 / 3, 512, 2048 / 3),
    *_table("16qam", 512, 2048 / 3),
    *_table("64qam", 512, 2048 / 3),
)
SETS = {"ldpc": STANDARD, "ldpc-papers": PAPERS}


def scheme(name: str) -> Scheme | None:
    """A scheme of either set by its name; None if there is none."""
    return next((one for one in (*STANDARD, *PAPERS) if one.name == name), None)


def split_into_blocks(coded_bits: int) -> list[int]:
    """The blocks that so many coded bits are sent in: as many of 6144 as there are, the rest in shorter ones.

    What is less than the shortest block stays unused.

    >>> split_into_blocks(13000)
    [6144, 6144, 384]
    """
    blocks = []
    for block_bits in BLOCK_BITS:
        count, coded_bits = divmod(coded_bits, block_bits)
        blocks += [block_bits] * count
    return blocks

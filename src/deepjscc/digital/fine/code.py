"""The 5G LDPC code of one size: encoder by back substitution, rate matching, bit interleaver (3GPP TS 38.212)."""

from functools import lru_cache

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from deepjscc.digital.fine.base_graphs import CORE_ROWS, LiftedGraph, lifted_graph, select_graph, select_lifting
from deepjscc.digital.fine.crc import Bits

FILLER_LLR = 40.0  # a filler bit is known to be 0


class NrCode:
    """A code block of ``block_bits`` information bits sent in ``coded_bits`` bits.

    Bits lie in base columns of Z bits; a tensor of them is ``[columns * Z, blocks]``, so that the bits of one position
    in all blocks are neighbours in memory and a circulant is a gather of whole rows.

    Args:
        block_bits: information bits, CRC included.
        coded_bits: bits sent; more than the code has are sent again from the start of the circular buffer.
        bits_per_symbol: Q_m of the bit interleaver; it divides ``coded_bits``. 1 leaves the order as it is.
        graph: base graph 1 or 2; None selects it as the standard does.
        shaped: the first information bits that are sent are labels of amplitudes, and all others signs, as
            probabilistic amplitude shaping needs it; else the interleaver of the standard.

    Attributes:
        sent: for each bit sent, in order, its position among the bits of the code.
        used_rows: base rows that the decoder needs: those whose parity bits are sent.

    Raises:
        ValueError: sizes that the code does not have.
    """

    def __init__(
        self,
        block_bits: int,
        coded_bits: int,
        bits_per_symbol: int = 1,
        graph: int | None = None,
        shaped: bool = False,
    ) -> None:
        if coded_bits % bits_per_symbol or coded_bits <= block_bits:
            raise ValueError(f"no code from {block_bits} to {coded_bits} bits with {bits_per_symbol} a symbol")
        self.block_bits, self.coded_bits = block_bits, coded_bits
        graph = select_graph(block_bits, block_bits / coded_bits) if graph is None else graph
        self.graph: LiftedGraph = lifted_graph(graph, select_lifting(block_bits, graph))
        size, systematic = self.graph.lifting, self.graph.systematic_columns
        # Circular buffer: all bits but those of the first two columns, filler bits left out (sec. 5.4.2.1).
        buffer = torch.arange(2 * size, (systematic + len(self.graph.rows)) * size)
        buffer = buffer[(buffer < block_bits) | (buffer >= systematic * size)]
        sent = buffer[torch.arange(coded_bits) % len(buffer)]
        self.repeats = coded_bits > len(buffer)
        last = int(sent.max())
        self.used_rows = max(CORE_ROWS, last // size + 1 - systematic)
        self.columns = systematic + self.used_rows
        if shaped:
            signs = coded_bits // bits_per_symbol * 2
            labels = sent[:-signs].reshape(-1, 2, bits_per_symbol // 2 - 1)  # of each symbol, for its two axes
            self.sent = torch.cat([sent[-signs:].view(-1, 1, 2), labels.transpose(1, 2)], 1).reshape(-1)
            return
        # Written by rows, read by columns (sec. 5.4.2.2): systematic bits come to the most reliable bits of a symbol.
        self.sent = sent.reshape(bits_per_symbol, -1).T.reshape(-1)

    def used_edges(self, row: int) -> list[tuple[int, int]]:
        """The ``(column, shift)`` pairs of a base row without the columns that hold filler bits only.

        Args:
            row: of the base graph.
        """
        size, systematic = self.graph.lifting, self.graph.systematic_columns
        return [
            (column, shift)
            for column, shift in self.graph.rows[row]
            if column >= systematic or column * size < self.block_bits
        ]

    def row_bits(self, row: int) -> Tensor:
        """Positions of the bits in the checks of one base row, ``[edges, Z]``.

        Args:
            row: of the base graph.
        """
        size = self.graph.lifting
        steps = torch.arange(size)
        return torch.stack([column * size + (steps + shift) % size for column, shift in self.used_edges(row)])

    def encode(self, blocks: Bits) -> UInt8[Tensor, "blocks coded"]:
        """Information bits to the bits sent.

        Args:
            blocks: ``[blocks, block_bits]``, CRC included.

        Returns:
            ``[blocks, coded_bits]`` after rate matching and interleaving.
        """
        return self.codewords(blocks)[self.sent.to(blocks.device)].T

    def codewords(self, blocks: Bits) -> UInt8[Tensor, "positions blocks"]:
        """Information, filler and parity bits of the used rows, before rate matching.

        Args:
            blocks: ``[blocks, block_bits]``, CRC included.
        """
        size, systematic = self.graph.lifting, self.graph.systematic_columns
        word = torch.zeros(self.columns * size, len(blocks), dtype=torch.uint8, device=blocks.device)
        word[: self.block_bits] = blocks.T
        sums = [self._check_sums(word, row) for row in range(CORE_ROWS)]
        # In the sum of the core rows every parity column cancels but the first, which stays with one shift.
        shifts = [shift for row in range(CORE_ROWS) for column, shift in self.graph.rows[row] if column == systematic]
        left = next(shift for shift in shifts if shifts.count(shift) % 2)
        first = torch.roll(sums[0] ^ sums[1] ^ sums[2] ^ sums[3], left, 0)
        word[systematic * size : (systematic + 1) * size] = first
        known = {*range(systematic + 1)}
        while len(known) < systematic + CORE_ROWS:
            for row in range(CORE_ROWS):
                unknown = [(column, shift) for column, shift in self.graph.rows[row] if column not in known]
                if len(unknown) == 1:
                    column, shift = unknown[0]
                    word[column * size : (column + 1) * size] = torch.roll(self._check_sums(word, row), shift, 0)
                    known.add(column)
        for row in range(CORE_ROWS, self.used_rows):
            column, shift = self.graph.rows[row][-1]
            word[column * size : (column + 1) * size] = torch.roll(self._check_sums(word, row), shift, 0)
        return word

    def _check_sums(self, word: Tensor, row: int) -> Tensor:
        """Parity of the checks of one base row, with the bits that are not known yet at 0."""
        size = self.graph.lifting
        total = torch.zeros_like(word[:size])
        for column, shift in self.graph.rows[row]:
            total ^= torch.roll(word[column * size : (column + 1) * size], -shift, 0)
        return total

    def combine(self, llr: Float[Tensor, "blocks coded_bits"]) -> Float[Tensor, "positions blocks"]:
        """Soft bits as received to one of each bit of the code: repetitions add, what was not sent is 0.

        Args:
            llr: ``log p(0)/p(1)`` of each bit sent.
        """
        size, systematic = self.graph.lifting, self.graph.systematic_columns
        combined = llr.new_zeros(self.columns * size, len(llr))
        sent, values = self.sent.to(llr.device), llr.T.contiguous()
        if self.repeats:
            combined.index_add_(0, sent, values)
        else:
            combined.index_copy_(0, sent, values)
        combined[self.block_bits : systematic * size] = FILLER_LLR
        return combined


@lru_cache(maxsize=64)
def nr_code(
    block_bits: int, coded_bits: int, bits_per_symbol: int, graph: int | None = None, shaped: bool = False
) -> NrCode:
    """A code, built once; see :class:`NrCode`."""
    return NrCode(block_bits, coded_bits, bits_per_symbol, graph, shaped)

"""Base graphs of the 5G LDPC code and how a code block selects and lifts one (3GPP TS 38.212, sec. 5.2.2 and 5.3.2)."""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TABLE = Path(__file__).parent / "base_graphs.csv"
STANDARD_SIZES = (  # lifting sizes that share one set of shifts, 3GPP TS 38.212, table 5.3.2-1
    (2, 4, 8, 16, 32, 64, 128, 256),
    (3, 6, 12, 24, 48, 96, 192, 384),
    (5, 10, 20, 40, 80, 160, 320),
    (7, 14, 28, 56, 112, 224),
    (9, 18, 36, 72, 144, 288),
    (11, 22, 44, 88, 176, 352),
    (13, 26, 52, 104, 208),
    (15, 30, 60, 120, 240),
)
LARGEST_SIZE = 1536
# The standard ends at 384. Each set is continued by doubling, with the same shifts: a cycle of the larger graph is one
# of the smaller too, so there are no new short ones. Four times longer code blocks have waterfalls of half the width.
SHIFT_SETS = tuple(
    (*sizes, *(sizes[-1] * 2**power for power in (1, 2) if sizes[-1] * 2**power <= LARGEST_SIZE))
    for sizes in STANDARD_SIZES
)
SYSTEMATIC_COLUMNS = {1: 22, 2: 10}
ROWS = {1: 46, 2: 42}
MAX_BLOCK_BITS = {graph: columns * LARGEST_SIZE for graph, columns in SYSTEMATIC_COLUMNS.items()}
CORE_ROWS = 4  # whose parity bits are solved for together; each further row has a parity bit of its own


@dataclass(frozen=True)
class LiftedGraph:
    """One base graph with its lifting size and shifts.

    Attributes:
        graph: 1 or 2.
        lifting: Z, the size of a circulant.
        rows: for each base row its ``(column, shift)`` pairs; check z of the row contains bit ``(z + shift) % Z`` of
            the column.
    """

    graph: int
    lifting: int
    rows: tuple[tuple[tuple[int, int], ...], ...]

    @property
    def systematic_columns(self) -> int:
        """Base columns of information and filler bits."""
        return SYSTEMATIC_COLUMNS[self.graph]


def select_graph(block_bits: int, rate: float) -> int:
    """The base graph of a code block (3GPP TS 38.212, sec. 7.2.2).

    Args:
        block_bits: information bits, CRC included.
        rate: information bits per coded bit.

    Returns:
        1 or 2.
    """
    return 2 if block_bits <= 292 or (block_bits <= 3824 and rate <= 0.67) or rate <= 0.25 else 1


def select_lifting(block_bits: int, graph: int) -> int:
    """The smallest lifting size whose systematic columns hold the block (3GPP TS 38.212, sec. 5.2.2).

    Blocks of more than 8448 bits (3840 with base graph 2) have sizes beyond the standard's.

    Args:
        block_bits: information bits, CRC included.
        graph: 1 or 2.

    Returns:
        Z.

    Raises:
        ValueError: too many bits for this base graph.
    """
    if block_bits > MAX_BLOCK_BITS[graph]:
        raise ValueError(f"base graph {graph} holds at most {MAX_BLOCK_BITS[graph]} bits, not {block_bits}")
    columns = SYSTEMATIC_COLUMNS[graph]
    if graph == 2:
        columns = 10 if block_bits > 640 else 9 if block_bits > 560 else 8 if block_bits > 192 else 6
    return min(size for sizes in SHIFT_SETS for size in sizes if columns * size >= block_bits)


@cache
def lifted_graph(graph: int, lifting: int) -> LiftedGraph:
    """A base graph with the shifts of one lifting size.

    Args:
        graph: 1 or 2.
        lifting: Z, one of :data:`SHIFT_SETS`.
    """
    shift_set = next(index for index, sizes in enumerate(SHIFT_SETS) if lifting in sizes)
    rows: list[list[tuple[int, int]]] = [[] for _ in range(ROWS[graph])]
    for entry_graph, row, column, *shifts in _entries():
        if entry_graph == graph:
            rows[row].append((column, shifts[shift_set] % lifting))
    return LiftedGraph(graph, lifting, tuple(map(tuple, rows)))


@cache
def _entries() -> tuple[tuple[int, ...], ...]:
    with TABLE.open(newline="") as file:
        return tuple(tuple(map(int, cells)) for cells in list(csv.reader(file))[1:])

"""The 5G LDPC code against its parity checks, and bit by bit against Sionna's encoder."""

import runpy
import warnings
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from deepjscc.digital.fine.base_graphs import SHIFT_SETS, TABLE, lifted_graph, select_graph, select_lifting
from deepjscc.digital.fine.code import NrCode
from deepjscc.digital.fine.crc import append_crc, crc, crc_holds
from deepjscc.digital.sionna import sionna

TOOLS = Path(__file__).parents[3] / "tools"


def random_bits(blocks: int, bits: int) -> torch.Tensor:
    return torch.randint(0, 2, (blocks, bits), generator=torch.Generator().manual_seed(bits), dtype=torch.uint8)


@pytest.mark.skipif(find_spec("sionna") is None, reason="the extra [digital] is not installed")
def test_the_base_graphs_are_those_of_sionna() -> None:
    assert TABLE.read_text() == runpy.run_path(str(TOOLS / "make_nr_base_graphs.py"))["text"]()


def test_base_graphs_have_the_sizes_of_the_standard() -> None:
    """3GPP TS 38.212, sec. 5.3.2: 46 x 68 with 316 entries and 42 x 52 with 197."""
    for graph, rows, columns, entries in ((1, 46, 68, 316), (2, 42, 52, 197)):
        lifted = lifted_graph(graph, 384)
        assert len(lifted.rows) == rows
        assert max(column for row in lifted.rows for column, _ in row) == columns - 1
        assert sum(map(len, lifted.rows)) == entries


def test_graph_and_lifting_size_follow_the_standard() -> None:
    assert [select_graph(*one) for one in ((292, 0.9), (3824, 0.67), (3824, 0.68), (5000, 0.25), (5000, 0.3))] == [
        2,
        2,
        1,
        2,
        1,
    ]
    assert [select_lifting(bits, 2) for bits in (192, 193, 560, 561, 640, 641, 3840)] == [32, 26, 72, 64, 72, 72, 384]
    assert [select_lifting(bits, 1) for bits in (8448, 8449, 33792)] == [384, 416, 1536]
    with pytest.raises(ValueError, match="at most 33792"):
        select_lifting(33793, 1)


@pytest.mark.parametrize(
    ("name", "check"), [("CRC24A", 0xCDE703), ("CRC24B", 0x23EF52), ("CRC16", 0x31C3)], ids=lambda one: str(one)
)
def test_crc_of_the_usual_check_string(name: str, check: int) -> None:
    """The check values of CRC catalogues, for the bytes of "123456789"."""
    bits = torch.tensor([[byte >> shift & 1 for byte in b"123456789" for shift in range(7, -1, -1)]], dtype=torch.uint8)
    assert int("".join(map(str, crc(name, bits)[0].tolist())), 2) == check
    received = append_crc(name, bits.repeat(3, 1))
    received[1, 5] ^= 1
    assert crc_holds(name, received).tolist() == [True, False, True]


@pytest.mark.parametrize("graph", [1, 2])
@pytest.mark.parametrize("size", [2, 15, 176, 208, 384, 768, 1536])
def test_codewords_satisfy_every_check(graph: int, size: int) -> None:
    bits = (22 if graph == 1 else 10 if size > 64 else 6) * size - 3
    code = NrCode(bits, 66 * size if graph == 1 else 50 * size, 1, graph)
    word = code.codewords(random_bits(2, bits))
    assert code.used_rows >= 41
    for row in range(code.used_rows):
        assert not (word[code.row_bits(row)].sum(0) % 2).any()


def test_repeated_bits_add_up() -> None:
    code = NrCode(40, 1000, 2)
    coded = code.encode(random_bits(3, 40))
    assert coded.shape == (3, 1000)
    combined = code.combine(1 - 2.0 * coded)
    word = code.codewords(random_bits(3, 40))
    assert torch.equal((combined < 0)[combined != 0], (word == 1)[combined != 0])
    assert combined.abs()[:40].max() >= 2


def test_sizes_without_a_code_are_refused() -> None:
    with pytest.raises(ValueError, match="no code from 100 to 100"):
        NrCode(100, 100)
    with pytest.raises(ValueError, match="3 a symbol"):
        NrCode(50, 100, 3)


@pytest.mark.parametrize(
    ("bits", "coded_bits", "per_symbol"),
    [
        (40, 100, 2),
        (120, 600, 1),
        (292, 600, 6),
        (300, 400, 4),
        (1000, 1100, 2),
        (3824, 6000, 8),
        (3840, 19200, 2),
        (5000, 12000, 6),
        (8448, 9200, 8),
        (8448, 25340, 10),
    ],
)
def test_codewords_are_those_of_sionna(bits: int, coded_bits: int, per_symbol: int) -> None:
    pytest.importorskip("sionna.phy", reason="the extra [digital] is not installed")
    messages = random_bits(2, bits)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        theirs = sionna().LDPC5GEncoder(bits, coded_bits, num_bits_per_symbol=per_symbol, device="cpu")
    assert torch.equal(NrCode(bits, coded_bits, per_symbol).encode(messages), theirs(messages.float()).to(torch.uint8))


@pytest.mark.parametrize("graph", [1, 2])
def test_every_lifting_size_of_the_standard_is_that_of_sionna(graph: int) -> None:
    pytest.importorskip("sionna.phy", reason="the extra [digital] is not installed")
    for size in sorted(size for sizes in SHIFT_SETS for size in sizes if 5 <= size <= 384)[:: 4 if graph == 1 else 3]:
        bits = (22 if graph == 1 else 10) * size
        code = NrCode(bits, 2 * bits, 1, graph)
        theirs = sionna().LDPC5GEncoder(bits, 2 * bits, bg=f"bg{graph}", device="cpu")
        messages = random_bits(1, bits)
        assert torch.equal(code.encode(messages), theirs(messages.float()).to(torch.uint8))

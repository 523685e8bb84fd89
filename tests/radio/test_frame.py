"""Header, channel coding and layout: round trips, bounds, and the figures of the document."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from radio_frames import WEAK, a_header, gaussian

from deepjscc.errors import UsageError
from deepjscc.radio.frame import BLOCK_PULSES, PILOTS, Layout, frame_pulses, header_end
from deepjscc.radio.frame_header import (
    HEADER_LENGTHS,
    HIGHEST_EIGHTHS,
    LARGEST_WEAK,
    LOWEST_SNR_DB,
    PILOT_SPACINGS,
    FrameHeader,
    Waveform,
    header_blocks,
    max_uses,
    split_side_info,
)
from deepjscc.radio.protection import (
    header_pulses,
    pieces,
    protected_pulses,
    read_header,
    read_protected,
)
from deepjscc.radio.spreading import BLOCK_SYMBOLS, SEGMENTS, SHARES
from deepjscc.radio.zadoff_chu import PREAMBLE_PULSES
from deepjscc.types import DigitalLayer, IdealCode

HEADERS = st.builds(
    lambda sequence, model, size, share, strong, weak, *rest: FrameHeader(
        sequence, model.hex(), *size, max(1, int(share * max_uses(size))), strong, *weak, *rest
    ),
    st.integers(0, 255),
    st.binary(min_size=6, max_size=6),
    st.tuples(st.integers(1, 13_000), st.integers(1, 13_000)),
    st.floats(0, 1),
    st.binary(max_size=4),
    st.just((0, 0)) | st.tuples(st.integers(1, LARGEST_WEAK), st.integers(1, HIGHEST_EIGHTHS)),
    st.sampled_from(Waveform),
    st.none() | st.tuples(*[st.integers(0, SHARES - 1)] * SEGMENTS),
    st.sampled_from(PILOT_SPACINGS),
    st.integers(0, 255),
    st.integers(0, (1 << 24) - 1),
    st.sampled_from(HEADER_LENGTHS),
)


@given(HEADERS)
def test_headers_there_and_back(header: FrameHeader) -> None:
    data = header.pack()
    assert len(data) == FrameHeader.BYTES
    assert FrameHeader.unpack(data) == header


@given(HEADERS, st.data())
def test_a_damaged_header_is_refused(header: FrameHeader, data: st.DataObject) -> None:
    packed = bytearray(header.pack())
    packed[data.draw(st.integers(0, len(packed) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(UsageError):
        FrameHeader.unpack(bytes(packed))


@given(st.binary(max_size=40))
def test_random_bytes_are_no_header(data: bytes) -> None:
    with pytest.raises(UsageError):
        FrameHeader.unpack(data)


@pytest.mark.parametrize(
    "fields",
    [
        {"height": 0},
        {"width": 70_000},
        {"height": 60_000, "width": 60_000},
        {"uses": 0},
        {"uses": 10**9},
        {"strong": b"12345"},
        {"weak_bytes": LARGEST_WEAK + 1},
        {"weak_eighths": 0},
        {"weak_eighths": HIGHEST_EIGHTHS + 1},
        {"spreading": (1,) * 15},
        {"spreading": (16,) * 16},
        {"pilot_spacing": 100},
        {"blocks": 5},
        {"base_design": 256},
        {"base_bytes": 1 << 24},
    ],
)
def test_sizes_are_bounded(fields: dict[str, object]) -> None:
    header = a_header()
    with pytest.raises(UsageError):
        FrameHeader(**{**header.__dict__, **fields})


def test_the_ratio_counts_side_information() -> None:
    header = FrameHeader(0, "0123456789ab", 64, 64, 1000, b"abc", 10, 4)
    assert header.bandwidth_ratio == pytest.approx((1000 + 192 + 160) / (3 * 64 * 64))


def test_where_side_information_goes() -> None:
    header = DigitalLayer(b"abc")
    assert split_side_info(()) == (b"", b"", 0)
    assert split_side_info((header,)) == (b"abc", b"", 0)
    assert split_side_info((header, DigitalLayer(b"a map", IdealCode(0.5)))) == (b"abc", b"a map", 4)
    for parts in ((DigitalLayer(b"abcde"),), (header, DigitalLayer(b"b", IdealCode(0.3))), (header,) * 3):
        with pytest.raises(UsageError, match="fit into a frame"):
            split_side_info(parts)


@pytest.mark.parametrize("blocks", HEADER_LENGTHS)
def test_a_header_is_decoded_at_the_lowest_snr_of_its_length(blocks: int) -> None:
    packed, uses = a_header().pack(), 240 * blocks
    sent = header_pulses(packed, blocks)
    assert len(sent) == uses
    assert np.mean(np.abs(sent) ** 2) == pytest.approx(1, rel=1e-5)
    n0 = 10 ** (-LOWEST_SNR_DB[blocks] / 10)
    for seed in range(5):
        assert read_header(sent + n0**0.5 * gaussian(uses, seed), n0, FrameHeader.BYTES) == packed
    assert read_header(gaussian(uses), 1.0, FrameHeader.BYTES) is None


def test_the_header_is_as_long_as_the_design_snr_requires() -> None:
    assert [header_blocks(snr_db) for snr_db in (30.0, 10.0, 8.0, 7.0, 5.0, 2.0, 0.0, -20.0)] == [
        4,
        4,
        4,
        8,
        8,
        16,
        32,
        32,
    ]


@pytest.mark.parametrize(("length", "eighths"), [(1, 8), (100, 4), (500, 8), (900, 2)])
def test_protected_bytes_there_and_back(length: int, eighths: int) -> None:
    data = np.random.default_rng(length).bytes(length)
    sent = protected_pulses(data, eighths)
    count, each, uses = pieces(length, eighths)
    assert len(sent) == count * uses
    assert 8 * each / uses <= eighths / 8  # not faster than it says
    # 3 dB above the capacity of the rate.
    n0 = 0.5 / (2 ** (eighths / 8) - 1)
    assert read_protected(sent + n0**0.5 * gaussian(len(sent)), n0, length, eighths) == data
    assert read_protected(gaussian(len(sent)), 1.0, length, eighths) is None
    assert read_protected(sent[:0], 1.0, 0, 0) == b""


@given(HEADERS)
def test_every_pulse_of_a_frame_is_accounted_for(header: FrameHeader) -> None:
    layout = Layout.of(header)
    assert sum(layout.overhead(header.uses).values()) + header.uses == layout.pulses
    assert min(layout.overhead(header.uses).values()) >= 0


@settings(max_examples=4, deadline=None)
@given(st.sampled_from(Waveform), st.integers(1, 2000))
def test_a_frame_is_as_long_as_its_layout(waveform: Waveform, uses: int) -> None:
    header = a_header(uses, waveform=waveform)
    assert len(frame_pulses(header, gaussian(uses), WEAK)) == Layout.of(header).pulses
    with pytest.raises(ValueError, match="not as many as the header says"):
        frame_pulses(header, gaussian(uses + 1), WEAK)


def test_the_document_says_what_the_code_does() -> None:
    text = (Path(__file__).parents[2] / "docs" / "radio-frame.md").read_text()
    facts = dict(re.findall(r"^\| `(\w+)` \| (\d+) \|", text, re.MULTILINE))
    assert {name: int(value) for name, value in facts.items()} == {
        "preamble": PREAMBLE_PULSES,
        "pilots": PILOTS,
        "block": BLOCK_PULSES,
        "payload_block": PILOTS + BLOCK_SYMBOLS,
        "shortest_header": HEADER_LENGTHS[0] * BLOCK_PULSES,
        "longest_header": HEADER_LENGTHS[-1] * BLOCK_PULSES,
        "before_payload": header_end(HEADER_LENGTHS[0]),
        "header_bytes": FrameHeader.BYTES,
    }

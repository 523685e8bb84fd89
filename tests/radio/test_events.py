"""Events: their order, that they are immutable, and the frames that they make."""

import dataclasses

import numpy as np
import pytest
from radio_frames import PULSE, WEAK, a_frame, a_header, events_of

from deepjscc.radio.events import (
    FrameAssembler,
    FrameEnded,
    FrameStarted,
    HeaderLost,
    Reception,
    SideInfoReceived,
    SymbolsReceived,
    receptions,
)
from deepjscc.radio.receiver import Receiver

SAMPLES, SYMBOLS = a_frame(a_header(3000))


@pytest.fixture(scope="module")
def events() -> list[object]:
    return list(events_of(Receiver(PULSE), SAMPLES, chunk=4000))


def test_a_frame_is_a_start_then_side_information_symbols_and_an_end(events: list[object]) -> None:
    first, second, *symbols, last = events
    assert isinstance(first, FrameStarted)
    assert first.header == a_header(3000)
    assert first.side_info == (b"abc", None)
    assert isinstance(second, SideInfoReceived)
    assert second.side_info == (b"abc", WEAK)
    assert len(symbols) > 1
    assert all(isinstance(one, SymbolsReceived) for one in symbols)
    assert last == FrameEnded(complete=True)


def test_events_and_receptions_cannot_be_changed(events: list[object]) -> None:
    for one in [*events, *receptions(events)]:  # type: ignore[arg-type]
        with pytest.raises(dataclasses.FrozenInstanceError):
            one.cfo = 1.0  # type: ignore[attr-defined]


def test_snapshots_grow_and_earlier_ones_stay(events: list[object]) -> None:
    assembler, snapshots = FrameAssembler(), list[Reception]()
    for event in events:
        assembler.add(event)  # type: ignore[arg-type]
        if (frame := assembler.so_far()) is not None:
            snapshots.append(frame)
    counts = [frame.received for frame in snapshots]
    assert counts == sorted(counts)
    assert counts[0] == 0
    assert counts[-1] == 3000
    assert assembler.so_far() is None


def test_a_frame_that_another_one_interrupts_ends_incomplete_before_the_other_starts() -> None:
    late, _ = a_frame(a_header(500, 9))
    samples = np.pad(SAMPLES, (0, 40_000))
    samples[30_000 : 30_000 + len(late)] += 10 * late
    events = events_of(Receiver(PULSE), samples)
    kinds = [type(one) for one in events]
    start = kinds.index(FrameStarted, 1)
    assert events[start - 1] == FrameEnded(complete=False)
    assert events[-1] == FrameEnded(complete=True)
    assert [one.complete for one in receptions(events) if isinstance(one, Reception)] == [False, True]


def test_a_lost_header_is_reported_with_its_place() -> None:
    events = events_of(Receiver(PULSE), SAMPLES[: 2000 + 4 * 1100])
    assert all(isinstance(event, HeaderLost) for event in events)
    places = [event.sample for event in events if isinstance(event, HeaderLost)]
    assert any(abs(place - 2000 - PULSE.delay) <= 1 for place in places)

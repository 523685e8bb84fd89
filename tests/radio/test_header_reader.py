"""Headers of every length are found, whether or not their first blocks would suffice."""

import pytest
from radio_frames import PULSE, a_frame, a_header, events_of, receive_one

from deepjscc.radio.events import FrameStarted
from deepjscc.radio.frame_header import HEADER_LENGTHS
from deepjscc.radio.receiver import Receiver


@pytest.mark.parametrize("blocks", HEADER_LENGTHS)
def test_headers_of_every_length_are_decoded_as_soon_as_they_have_come(blocks: int) -> None:
    samples, symbols = a_frame(a_header(480, blocks=blocks))
    frame, receiver = receive_one(samples)
    assert frame.complete
    assert frame.header.blocks == blocks
    assert receiver.lost_headers == 0
    assert abs(frame.all_symbols()[0] - symbols).max() < 0.01


def test_a_short_header_starts_a_frame_early() -> None:
    started = {}
    for blocks in (4, 32):
        samples, _ = a_frame(a_header(9600, blocks=blocks))
        receiver = Receiver(PULSE)
        for start in range(0, len(samples), 2000):
            if any(isinstance(event, FrameStarted) for event in receiver.push(samples[start : start + 2000])):
                started[blocks] = start
                break
    assert started[4] + 4 * 16 * 256 < started[32]
    assert len(events_of(Receiver(PULSE), samples)) >= 3

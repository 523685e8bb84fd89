"""Headers of every length are found, whether or not their first blocks would suffice."""

import pytest
from radio_frames import a_frame, a_header, receive_one

from deepjscc.radio.frame_header import HEADER_LENGTHS


@pytest.mark.parametrize("blocks", HEADER_LENGTHS)
def test_headers_of_every_length_are_decoded(blocks: int) -> None:
    samples, symbols = a_frame(a_header(480, blocks=blocks))
    frame, receiver = receive_one(samples)
    assert frame.complete
    assert frame.header.blocks == blocks
    assert receiver.lost_headers == 0
    assert abs(frame.all_symbols()[0] - symbols).max() < 0.05

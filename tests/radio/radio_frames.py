"""Helpers of the radio's tests: frames of random symbols, and what a receiver makes of samples."""

import numpy as np

from deepjscc.radio.events import Event, HeaderLost, Reception, receptions
from deepjscc.radio.frame_header import FrameHeader, Waveform
from deepjscc.radio.pulse import Pulse
from deepjscc.radio.receiver import Receiver
from deepjscc.radio.transmitter import shape_frame
from deepjscc.radio.waveform_config import WaveformConfig

PULSE = Pulse()
WEAK = bytes(range(100))


def gaussian(count: int, seed: int = 0) -> np.ndarray:
    """Complex normal draws of power 1."""
    draws = np.random.default_rng(seed).standard_normal((count, 2)) / 2**0.5
    return draws.view(np.complex128)[:, 0].astype(np.complex64)


def a_header(
    uses: int = 3000, sequence: int = 5, waveform: Waveform = Waveform.SINGLE_CARRIER, blocks: int = 16
) -> FrameHeader:
    """A header with both kinds of side information, decodable at -8 dB with 16 blocks and at -11 dB with 32."""
    return FrameHeader(sequence, "0123456789ab", 64, 96, uses, b"abc", len(WEAK), 4, waveform, blocks=blocks)


def a_frame(header: FrameHeader | None = None, pulse: Pulse = PULSE) -> tuple[np.ndarray, np.ndarray]:
    """Samples of mean power 1 with silence around, and the symbols in them."""
    header = header or a_header()
    symbols = gaussian(header.uses, header.sequence)
    samples, _ = shape_frame(
        header, symbols, WEAK[: header.weak_bytes], WaveformConfig(pulse, amplitude=1.0, papr_db=None)
    )
    return np.pad(samples, 2000), symbols


def events_of(receiver: Receiver, samples: np.ndarray, chunk: int = 50_000) -> list[Event]:
    """All events of a recording that is pushed in chunks and then flushed."""
    starts = range(0, len(samples), chunk)
    events = [event for start in starts for event in receiver.push(samples[start : start + chunk])]
    return events + list(receiver.flush())


def receive(
    samples: np.ndarray, pulse: Pulse = PULSE, chunk: int = 50_000
) -> tuple[list[Reception | HeaderLost], Receiver]:
    """Every frame and every lost header of a recording, in order, and the receiver."""
    receiver = Receiver(pulse)
    return list(receptions(events_of(receiver, samples, chunk))), receiver


def receive_one(samples: np.ndarray, pulse: Pulse = PULSE) -> tuple[Reception, Receiver]:
    """The only frame of a recording, and the receiver."""
    (frame,), receiver = receive(samples, pulse)
    assert isinstance(frame, Reception)
    return frame, receiver

"""What the radio's tests share: frames of random symbols, and what a receiver hears of samples."""

import numpy as np

from deepjscc.radio.frame_header import FrameHeader, Waveform
from deepjscc.radio.pulse import Pulse
from deepjscc.radio.receiver import Receiver, Reception
from deepjscc.radio.transmitter import Look, shape_frame

PULSE = Pulse()
WEAK = bytes(range(100))


def gaussian(count: int, seed: int = 0) -> np.ndarray:
    """Complex normal draws of power 1."""
    draws = np.random.default_rng(seed).standard_normal((count, 2)) / 2**0.5
    return draws.view(np.complex128)[:, 0].astype(np.complex64)


def a_header(uses: int = 3000, sequence: int = 5, waveform: Waveform = Waveform.SINGLE_CARRIER) -> FrameHeader:
    """A header with both kinds of side information."""
    return FrameHeader(sequence, "0123456789ab", 64, 96, uses, b"abc", len(WEAK), 4, waveform)


def a_frame(header: FrameHeader | None = None, pulse: Pulse = PULSE) -> tuple[np.ndarray, np.ndarray]:
    """Samples of mean power 1 with silence around, and the symbols in them."""
    header = header or a_header()
    symbols = gaussian(header.uses, header.sequence)
    samples, _ = shape_frame(header, symbols, WEAK[: header.weak_bytes], Look(pulse, amplitude=1.0))
    return np.pad(samples, 2000), symbols


def receive(samples: np.ndarray, pulse: Pulse = PULSE, chunk: int = 50_000) -> tuple[list[Reception], Receiver]:
    """Every frame that is heard, once, in the order they begin."""
    receiver = Receiver(pulse)
    heard = [one for start in range(0, len(samples), chunk) for one in receiver.push(samples[start : start + chunk])]
    heard += receiver.flush()
    return list({id(one): one for one in heard}.values()), receiver

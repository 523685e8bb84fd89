"""What happens to a waveform between antennas, for trials of a receiver: noise, delay, carrier offset, echoes."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex

from deepjscc.radio.pulse import Pulse, Samples


@dataclass(frozen=True)
class Impairments:
    """A channel without memory of earlier frames.

    Attributes:
        snr_db: P / N0 of a symbol after the matched filter, echoes' power included.
        cfo: carrier offset in cycles per symbol time.
        delay: in samples, fractional.
        phase: in radians.
        echoes: impulse response, one value a sample.
    """

    snr_db: float = np.inf
    cfo: float = 0.0
    delay: float = 0.0
    phase: float = 0.0
    echoes: tuple[complex, ...] = (1.0,)


def impair(
    samples: Samples, by: Impairments, pulse: Pulse, amplitude: float, generator: np.random.Generator
) -> Samples:
    """Samples as an antenna would get them, with whole silence before and after taken for granted.

    Args:
        samples: of frames whose root mean square is ``amplitude``.
        by: what happens to them.
        pulse: as sent.
        amplitude: of the frames, by which N0 is set.
        generator: of the noise.
    """
    echoes = np.asarray(by.echoes, dtype=np.complex128)
    sent = np.convolve(samples, echoes) if len(echoes) > 1 else samples * echoes[0]
    frequency = np.fft.fftfreq(len(sent))
    moved = np.fft.ifft(np.fft.fft(sent) * np.exp(-2j * np.pi * frequency * by.delay)) if by.delay else sent
    turn = by.cfo / pulse.samples_per_symbol * np.arange(len(moved)) + by.phase / (2 * np.pi)
    received = moved * np.exp(2j * np.pi * turn)
    # The pulse has energy 1, so a symbol's power is that of the samples times their number in a symbol time.
    power = amplitude**2 * pulse.samples_per_symbol * float((np.abs(echoes) ** 2).sum())
    deviation = np.sqrt(power * 10 ** (-by.snr_db / 10) / 2)
    noise: Complex[np.ndarray, " samples"] = generator.standard_normal((len(received), 2)).view(np.complex128)[:, 0]
    return (received + deviation * noise).astype(np.complex64)

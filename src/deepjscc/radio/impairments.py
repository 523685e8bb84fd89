"""Impairments of a waveform between transmitter and receiver, for tests: noise, delay, carrier offset, echoes."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex

from deepjscc.radio.pulse import Pulse, Samples


@dataclass(frozen=True)
class Impairments:
    """A time-invariant channel and an imperfect receiver.

    Attributes:
        snr_db: P / N0 of a symbol after the matched filter; P includes the power of the echoes.
        cfo: carrier offset in cycles per symbol time.
        delay: delay in samples, fractional.
        phase: carrier phase in radians.
        echoes: impulse response, one value per sample.
        dc_db: power of the receiver's DC offset over that of the signal, in dB.
        iq_gain_db: ratio of the receiver's gains of I and Q, in dB.
        iq_phase_deg: deviation of the phase between I and Q from 90 degrees.
        spur_db: power of an interfering tone over that of the signal, in dB.
        spur_frequency: frequency of the tone in cycles per symbol time.
    """

    snr_db: float = np.inf
    cfo: float = 0.0
    delay: float = 0.0
    phase: float = 0.0
    echoes: tuple[complex, ...] = (1 + 0j,)
    dc_db: float = -np.inf
    iq_gain_db: float = 0.0
    iq_phase_deg: float = 0.0
    spur_db: float = -np.inf
    spur_frequency: float = 0.1


def impair(
    samples: Samples, by: Impairments, pulse: Pulse, amplitude: float, generator: np.random.Generator
) -> Samples:
    """Pass samples through a channel; they should begin and end with silence.

    Args:
        samples: the transmitted samples, whose frames have the root mean square ``amplitude``.
        by: the impairments.
        pulse: pulse shape and sampling of the transmitter.
        amplitude: root mean square of the frames; N0 follows from it.
        generator: random generator of the noise.
    """
    echoes = np.asarray(by.echoes, dtype=np.complex128)
    sent = np.convolve(samples, echoes) if len(echoes) > 1 else samples * echoes[0]
    frequency = np.fft.fftfreq(len(sent))
    moved = np.fft.ifft(np.fft.fft(sent) * np.exp(-2j * np.pi * frequency * by.delay)) if by.delay else sent
    turn = by.cfo / pulse.samples_per_symbol * np.arange(len(moved)) + by.phase / (2 * np.pi)
    received = moved * np.exp(2j * np.pi * turn)
    # The pulse has energy 1, so a symbol's power is the mean power of the samples times their number per symbol.
    power = amplitude**2 * pulse.samples_per_symbol * float((np.abs(echoes) ** 2).sum())
    deviation = np.sqrt(power * 10 ** (-by.snr_db / 10) / 2)
    noise: Complex[np.ndarray, " samples"] = generator.standard_normal((len(received), 2)).view(np.complex128)[:, 0]
    noisy = received + deviation * noise
    level = amplitude * float(np.sqrt((np.abs(echoes) ** 2).sum()))
    return _front_end(noisy, by, level, pulse.samples_per_symbol).astype(np.complex64)


def _front_end(
    samples: Complex[np.ndarray, " samples"], by: Impairments, level: float, samples_per_symbol: int
) -> Complex[np.ndarray, " samples"]:
    """A tone beside the signal, and then the faults of a direct-conversion receiver."""
    if by.spur_db > -np.inf:
        tone = np.exp(2j * np.pi * by.spur_frequency / samples_per_symbol * np.arange(len(samples)))
        samples = samples + level * 10 ** (by.spur_db / 20) * tone
    if by.iq_gain_db or by.iq_phase_deg:
        half_gain, half_angle = by.iq_gain_db / 40, np.deg2rad(by.iq_phase_deg) / 2
        cosine, sine = np.cos(half_angle), np.sin(half_angle)
        i = 10**half_gain * (cosine * samples.real - sine * samples.imag)
        q = 10**-half_gain * (cosine * samples.imag - sine * samples.real)
        samples = i + 1j * q
    return samples + level * 10 ** (by.dc_db / 20) * np.exp(0.7j)

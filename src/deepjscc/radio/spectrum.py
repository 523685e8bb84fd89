"""Power spectral density of a waveform, in the units in which its symbols are described."""

import numpy as np
from jaxtyping import Float

from deepjscc.radio.pulse import Pulse, Samples

SEGMENT = 512  # samples of a Fourier transform
MOST_SEGMENTS = 4096  # that are averaged; those of a longer waveform are chosen evenly


def power_spectrum(
    samples: Samples, pulse: Pulse, amplitude: float
) -> tuple[Float[np.ndarray, " frequencies"], Float[np.ndarray, " frequencies"]]:
    """Estimate the power spectral density of a waveform by Welch's method with a Hann window.

    The density is relative to that of a frame in the flat part of its band, so that symbols of power 1 have the density
    1 there, and white noise has the density N0 / P everywhere.

    Args:
        samples: the waveform.
        pulse: pulse shape and sampling of the transmitter.
        amplitude: root mean square of the transmitted frame, to which the density refers.

    Returns:
        Frequencies in units of the symbol rate, increasing from minus half the sample rate, and the density at each.

    Source:
        P. Welch, "The use of fast Fourier transform for the estimation of power spectra", IEEE Trans. Audio
        Electroacoustics 15, 1967.
    """
    padded = np.pad(samples, (0, max(0, SEGMENT - len(samples))))
    starts = np.arange(0, len(padded) - SEGMENT + 1, SEGMENT // 2)
    if len(starts) > MOST_SEGMENTS:
        starts = starts[np.linspace(0, len(starts) - 1, MOST_SEGMENTS).round().astype(int)]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(SEGMENT) / SEGMENT)
    segments = np.lib.stride_tricks.sliding_window_view(padded, SEGMENT)[starts] * window
    power = (np.abs(np.fft.fft(segments, axis=1)) ** 2).mean(0) / (window**2).sum()
    step = pulse.samples_per_symbol
    frequencies = np.fft.fftfreq(SEGMENT, 1 / step)
    # Symbols of power 1 and pulses of energy 1 have the density amplitude² * step per cycle per sample.
    return np.fft.fftshift(frequencies), np.fft.fftshift(power) / (amplitude**2 * step)

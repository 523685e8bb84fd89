"""The estimated power spectral density of a waveform is that of theory."""

import numpy as np
import pytest
from radio_frames import a_frame, gaussian

from deepjscc.radio.impairments import Impairments, impair
from deepjscc.radio.pulse import Pulse
from deepjscc.radio.spectrum import power_spectrum

SNR_DB = 10.0


def _at(frequencies: np.ndarray, density: np.ndarray, low: float, high: float) -> float:
    """Mean density between two magnitudes of the frequency, in dB."""
    inside = (np.abs(frequencies) >= low) & (np.abs(frequencies) <= high)
    return float(10 * np.log10(density[inside].mean()))


@pytest.mark.parametrize(("samples_per_symbol", "roll_off"), [(4, 0.25), (8, 0.5)])
def test_a_frame_is_flat_in_its_band_and_empty_beyond(samples_per_symbol: int, roll_off: float) -> None:
    pulse = Pulse(samples_per_symbol, roll_off)
    samples, _ = a_frame(pulse=pulse)
    samples = samples[samples != 0]
    frequencies, density = power_spectrum(samples, pulse, amplitude=1.0)
    assert frequencies[0] == -samples_per_symbol / 2
    assert np.all(np.diff(frequencies) > 0)
    assert _at(frequencies, density, 0, (1 - roll_off) / 2) == pytest.approx(0, abs=0.3)
    assert _at(frequencies, density, 0.48, 0.52) == pytest.approx(-3, abs=0.7)  # half the power at half the rate
    assert _at(frequencies, density, (1 + roll_off) / 2 + 0.1, 2) < -45


def test_noise_lies_by_the_snr_below_the_signal() -> None:
    pulse = Pulse()
    samples, _ = a_frame()
    noisy = impair(samples, Impairments(SNR_DB), pulse, 1.0, np.random.default_rng(0))
    frequencies, density = power_spectrum(noisy, pulse, amplitude=1.0)
    assert _at(frequencies, density, 0.8, 2) == pytest.approx(-SNR_DB, abs=0.2)


def test_white_noise_has_a_flat_spectrum_whose_mean_is_its_power() -> None:
    pulse = Pulse(2)
    _, density = power_spectrum(gaussian(50_000), pulse, amplitude=1.0)
    assert density.mean() == pytest.approx(1 / 2, rel=0.02)  # in units of amplitude² times samples per symbol
    assert density.std() < 0.2 * density.mean()


def test_a_recording_shorter_than_a_segment_is_one_segment() -> None:
    frequencies, density = power_spectrum(gaussian(100), Pulse(), amplitude=1.0)
    assert len(frequencies) == len(density)
    assert np.all(np.isfinite(density))

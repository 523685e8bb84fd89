"""Spurs: found only where there are any, and removed from single carriers and OFDM however long the frame."""

from dataclasses import replace

import numpy as np
import pytest
from radio_frames import PULSE, gaussian, receive_one

from deepjscc.radio.events import Reception
from deepjscc.radio.frame_header import FrameHeader, Waveform
from deepjscc.radio.impairments import Impairments, impair
from deepjscc.radio.spurs import SpurTracker, Tone, find_tones
from deepjscc.radio.transmitter import shape_frame
from deepjscc.radio.waveform_config import WaveformConfig

CLEAN = Impairments(20.0, 0.003, 0.3)


def sent(uses: int, waveform: Waveform, blocks: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Samples of a frame with silence around, and its symbols."""
    symbols = gaussian(uses)
    header = FrameHeader(5, "0123456789ab", 512, 768, uses, b"abc", waveform=waveform, blocks=blocks)
    samples, _ = shape_frame(header, symbols, b"", WaveformConfig(PULSE, amplitude=1.0, papr_db=None))
    return np.pad(samples, 2000), symbols


def error_db(samples: np.ndarray, symbols: np.ndarray, by: Impairments) -> tuple[float, Reception]:
    """Mean squared error of the symbols in dB, and the frame."""
    frame, _ = receive_one(impair(samples, by, PULSE, 1.0, np.random.default_rng(3)))
    return float(10 * np.log10(np.mean(np.abs(frame.all_symbols()[0] - symbols) ** 2))), frame


@pytest.mark.parametrize("waveform", list(Waveform))
@pytest.mark.parametrize("frequency", [0.1, -0.33, 0.5])
@pytest.mark.parametrize("spur_db", [-30.0, -20.0, 0.0])
def test_a_spur_costs_next_to_nothing(spur_db: float, frequency: float, waveform: Waveform) -> None:
    """Left in, one of -20 dB costs 3 dB at 20 dB."""
    samples, symbols = sent(4800, waveform)
    clean, _ = error_db(samples, symbols, CLEAN)
    with_spur, frame = error_db(samples, symbols, replace(CLEAN, spur_db=spur_db, spur_frequency=frequency))
    assert with_spur == pytest.approx(clean, abs=0.3)
    estimated = 10 * np.log10(np.mean(frame.all_symbols()[1]))
    assert estimated == pytest.approx(with_spur, abs=0.5)


def test_a_spur_is_followed_through_a_long_frame() -> None:
    """The header alone tells its phase at the end only to a radian."""
    samples, symbols = sent(100_000, Waveform.SINGLE_CARRIER)
    clean, _ = error_db(samples, symbols, CLEAN)
    assert error_db(samples, symbols, replace(CLEAN, spur_db=-20.0))[0] == pytest.approx(clean, abs=0.1)


def test_with_every_other_fault() -> None:
    samples, symbols = sent(4800, Waveform.SINGLE_CARRIER, blocks=16)
    echoes = (1.0 + 0j, 0j, 0j, 0j, 0j, 0j, 0j, 0j, 0.3j)
    by = replace(CLEAN, echoes=echoes, dc_db=-10.0, iq_gain_db=1.0, iq_phase_deg=5.0)
    without, _ = error_db(samples, symbols, by)
    assert error_db(samples, symbols, replace(by, spur_db=-15.0))[0] == pytest.approx(without, abs=0.3)


def test_noise_has_no_tones() -> None:
    times = np.arange(2000.0)
    assert not any(find_tones(gaussian(2000, seed), gaussian(2000), times, 1.0) for seed in range(100))


def test_a_signal_that_ends_is_no_tone() -> None:
    times = np.arange(4000.0)
    values = 0.1 * gaussian(4000)
    values[-400:] += 1
    assert not find_tones(values, gaussian(4000), times, 1.0)


def test_two_tones_are_found_as_precisely_as_the_bound_says() -> None:
    times = 0.3 + np.arange(3000) * 1.00001
    truth = [Tone(0.1234567, 0.3j, float(times.mean()), 0.0, 0.0), Tone(-0.61, 0.1 + 0j, float(times.mean()), 0.0, 0.0)]
    values = sum((tone.at(times) for tone in truth), 0.3 * gaussian(3000))
    slopes = sum((2j * np.pi * tone.frequency * tone.at(times) for tone in truth), gaussian(3000, 1))
    found = find_tones(values, slopes, times, 1.0)
    assert len(found) == 2
    for one, true in zip(found, truth, strict=True):
        assert abs(one.frequency - true.frequency) * 2 * np.pi < 4 * one.rate_deviation
        assert abs(np.angle(one.amplitude / true.amplitude)) < 4 * one.phase_deviation


def test_a_tone_of_uncertain_phase_is_not_subtracted() -> None:
    tracker = SpurTracker((Tone(0.1, 1 + 0j, 0.0, 0.01, 1e-3),))
    near, far = (abs(tracker.at(np.array([time]))[0][0]) for time in (0.0, 5000.0))
    assert near > 0.99
    assert far < 1e-5


def test_the_tracker_corrects_a_frequency() -> None:
    tracker = SpurTracker((Tone(0.1, 0.3 + 0j, 0.0, 0.01, 1e-4),))
    for first in range(0, 100_000, 2000):
        times = first + np.arange(2000.0)
        tone = 0.3 * np.exp(2j * np.pi * (0.1 + 1e-5) * times)
        left = tone - tracker.at(times)[0]
        tracker.update(tone + gaussian(2000, first), times)
    assert np.mean(np.abs(left) ** 2) < 0.02 * 0.3**2

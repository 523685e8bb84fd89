"""Sequences, pulses and OFDM against what theory says of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from radio_frames import gaussian

from deepjscc.errors import UsageError
from deepjscc.pulses import raised_cosine
from deepjscc.radio.interpolate import REACH, interpolate
from deepjscc.radio.ofdm_symbols import (
    DATA_SUBCARRIERS,
    OFDM_PULSES,
    data_subcarriers,
    demodulate,
    modulate,
    pilot_subcarriers,
    scrambling,
)
from deepjscc.radio.peaks import clip, papr_db
from deepjscc.radio.pulse import SPAN, MatchedFilter, Pulse
from deepjscc.radio.zadoff_chu import PREAMBLE_PULSES, SEGMENT, pilots, preamble, segment

PULSES = [Pulse(2, 0.25), Pulse(4, 0.25), Pulse(8, 0.35), Pulse(4, 1.0)]


def test_a_segment_has_the_ideal_periodic_autocorrelation() -> None:
    spectrum = np.fft.fft(segment())
    correlation = np.fft.ifft(np.abs(spectrum) ** 2)
    assert np.abs(segment()) == pytest.approx(np.ones(SEGMENT))
    assert np.abs(correlation[1:]).max() < 1e-9 * SEGMENT


def test_the_preamble_shifted_by_whole_segments_cancels_within_its_halves() -> None:
    half = PREAMBLE_PULSES // 2
    for shift in (1, 2, 3):
        move = shift * SEGMENT
        parts = [preamble()[:half], preamble()[half:]]
        total = sum(np.vdot(part[:-move], part[move:]) for part in parts)
        assert abs(total) < 1e-6


def test_an_offset_does_not_pass_for_a_delay() -> None:
    """Whatever the carrier offset up to 1.2%, the whole preamble fits best at the right time."""
    for cfo in np.linspace(-0.012, 0.012, 9):
        moved = preamble() * np.exp(2j * np.pi * cfo * np.arange(PREAMBLE_PULSES))
        for delay in range(1, 300, 7):
            product = moved[delay:] * preamble()[:-delay].conj()
            assert np.abs(np.fft.fft(product, 4096)).max() < 0.6 * PREAMBLE_PULSES


@pytest.mark.parametrize("pulse", PULSES, ids=str)
def test_pulse_and_matched_filter_are_nyquist(pulse: Pulse) -> None:
    whole = np.convolve(pulse.taps, pulse.taps)[:: pulse.samples_per_symbol]
    assert whole[SPAN] == pytest.approx(1)
    others = np.delete(whole, SPAN)
    assert (others**2).sum() < 2e-6


def test_the_curvature_is_that_of_a_raised_cosine() -> None:
    for roll_off in (0.1, 0.25, 1.0):
        # Minus the second moment of the spectrum: (2 pi)^2 times its variance, in closed form.
        expected = np.pi**2 / 3 + roll_off**2 * (np.pi**2 - 8)
        assert Pulse(4, roll_off).curvature == pytest.approx(expected, rel=1e-3)
        assert raised_cosine(np.array([0.0, 1.0, -7.0]), roll_off) == pytest.approx([1, 0, 0], abs=1e-12)


@settings(max_examples=20, deadline=None)
@given(chunks=st.lists(st.integers(0, 40_000), min_size=1, max_size=6), step=st.sampled_from([2, 4, 6]))
def test_the_matched_filter_does_not_care_for_chunks(chunks: list[int], step: int) -> None:
    pulse = Pulse(step)
    samples = gaussian(sum(chunks))
    stream = MatchedFilter(pulse)
    pieces = [stream.push(part) for part in np.split(samples, np.cumsum(chunks)[:-1])]
    pieces.append(stream.push(np.zeros(stream.room, np.complex64)))
    out = np.concatenate(pieces)
    expected = np.convolve(samples, pulse.taps)[:: step // 2] if len(samples) else np.zeros(0)
    count = min(len(out), len(expected))
    assert count >= len(samples) // (step // 2)
    assert np.abs(out[:count] - expected[:count]).max(initial=0) < 1e-4


def test_shaping_is_convolution() -> None:
    pulses = gaussian(50)
    for pulse in PULSES:
        spaced = np.zeros(50 * pulse.samples_per_symbol, complex)
        spaced[:: pulse.samples_per_symbol] = pulses
        whole = np.convolve(spaced, pulse.taps)
        shaped = pulse.shape(pulses)
        assert np.abs(shaped - whole[: len(shaped)]).max() < 1e-5
        assert np.abs(whole[len(shaped) :]).max(initial=0) < 1e-2


def test_white_noise_keeps_its_variance_after_the_matched_filter() -> None:
    stream = MatchedFilter(Pulse())
    out = stream.push(gaussian(400_000))[200::2]
    assert np.mean(np.abs(out) ** 2) == pytest.approx(1, rel=0.02)
    assert abs(np.mean(out[1:] * out[:-1].conj())) < 0.02  # white a symbol time apart


def test_interpolation_of_tones_and_their_slopes() -> None:
    time = np.random.default_rng(0).uniform(REACH, 200 - REACH - 1, 500)
    for frequency in (-0.3, 0.01, 0.2):
        tone = np.exp(2j * np.pi * frequency * np.arange(200)).astype(np.complex64)
        value, slope = interpolate(tone, time)
        expected = np.exp(2j * np.pi * frequency * time)
        assert np.abs(value - expected).max() < 2e-3
        assert np.abs(slope - 2j * np.pi * frequency * expected).max() < 1e-2


def test_ofdm_there_and_back_with_power_per_subcarrier() -> None:
    symbols = gaussian(3 * DATA_SUBCARRIERS)
    pulses = modulate(symbols, 0)
    assert len(pulses) == 3 * OFDM_PULSES
    grid = demodulate(pulses)
    assert np.abs(grid[:, data_subcarriers()] * scrambling().conj() - symbols.reshape(3, -1)).max() < 1e-5
    assert grid[:, pilot_subcarriers()].reshape(-1) == pytest.approx(pilots(0, 48), abs=1e-5)
    assert np.abs(grid[:, 0]).max() < 1e-5  # the carrier itself stays empty


def test_alike_symbols_do_not_add_up_to_a_peak() -> None:
    assert papr_db(modulate(np.ones(DATA_SUBCARRIERS, np.complex64), 0)) < 10


@settings(max_examples=30, deadline=None)
@given(limit=st.floats(1, 15), seed=st.integers(0, 99))
def test_clipping_keeps_to_its_limit_and_to_phases(limit: float, seed: int) -> None:
    samples = gaussian(500, seed)
    cut, share = clip(samples, limit)
    ceiling = np.mean(np.abs(samples) ** 2) * 10 ** (limit / 10)
    assert (np.abs(cut) ** 2).max() <= ceiling * 1.0001
    assert (np.abs(np.angle(cut * samples.conj())) < 1e-3).all()
    assert share == pytest.approx(np.mean(np.abs(samples) ** 2 > ceiling), abs=0.005)


def test_peaks_of_silence_and_tones() -> None:
    assert papr_db(np.zeros(10, np.complex64)) == 0
    assert papr_db(np.exp(1j * np.arange(10)).astype(np.complex64)) == pytest.approx(0, abs=1e-5)
    with pytest.raises(UsageError, match="1 dB or more"):
        clip(gaussian(10), 0.5)


@pytest.mark.parametrize(("step", "roll_off"), [(3, 0.25), (0, 0.25), (18, 0.25), (4, 0.05), (4, 1.5), (4, np.nan)])
def test_pulses_that_are_none(step: int, roll_off: float) -> None:
    with pytest.raises(UsageError):
        Pulse(step, roll_off)

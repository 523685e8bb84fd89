"""The receiver over impaired channels: its estimates against the true values, and the symbols it demodulates."""

import numpy as np
import pytest
from radio_frames import PULSE, WEAK, a_frame, a_header, gaussian, receive, receive_one

from deepjscc.radio.channel_estimate import FIRST, estimate_channel
from deepjscc.radio.frame import header_end
from deepjscc.radio.frame_header import Waveform
from deepjscc.radio.impairments import Impairments, impair
from deepjscc.radio.kalman_filter import KalmanFilter
from deepjscc.radio.pulse import Pulse
from deepjscc.radio.zadoff_chu import PREAMBLE_PULSES, preamble

CASES = [
    Impairments(30.0),
    Impairments(0.0, cfo=0.005, delay=0.37, phase=1.0),
    Impairments(10.0, cfo=-0.01, delay=3.5, phase=3.0),
    Impairments(20.0, cfo=0.0087, delay=2.71, phase=-2.0),
]


@pytest.mark.parametrize("waveform", Waveform)
@pytest.mark.parametrize("by", CASES, ids=lambda by: f"{by.snr_db:g}dB")
def test_symbols_arrive_with_the_noise_of_the_matched_filter(by: Impairments, waveform: Waveform) -> None:
    header = a_header(9600, waveform=waveform)
    samples, symbols = a_frame(header)
    frame, receiver = receive_one(impair(samples, by, PULSE, 1.0, np.random.default_rng(1)))
    assert frame.complete
    assert frame.header == header
    assert frame.side_info == (b"abc", WEAK)
    error = np.abs(np.concatenate(frame.symbols) - symbols) ** 2
    estimated = np.concatenate(frame.noise_variance)
    n0 = 10 ** (-by.snr_db / 10)
    assert 10 * np.log10(error.mean() / n0) < 0.3
    assert np.mean(error / estimated) == pytest.approx(1, abs=0.15)
    assert frame.snr_db == pytest.approx(by.snr_db, abs=0.7)
    # The Cramér-Rao bound over the known pulses of preamble and header, six times its deviation.
    bound = np.sqrt(6 * n0 / (4 * np.pi**2 * header_end(16) ** 3.0))
    assert abs(frame.cfo - by.cfo) < 6 * bound + 1e-6
    assert frame.sample == pytest.approx(2000 + PULSE.delay + by.delay, abs=1)
    assert receiver.invalid_samples == receiver.lost_headers == 0


@pytest.mark.parametrize("pulse", [Pulse(2, 0.25), Pulse(8, 0.35)], ids=str)
def test_other_pulses(pulse: Pulse) -> None:
    samples, symbols = a_frame(pulse=pulse)
    by = Impairments(15.0, cfo=0.004, delay=1.3)
    frame, _ = receive_one(impair(samples, by, pulse, 1.0, np.random.default_rng(1)), pulse)
    assert np.mean(np.abs(np.concatenate(frame.symbols) - symbols) ** 2) < 10**-1.4


@pytest.mark.parametrize("waveform", Waveform)
def test_echoes_are_equalised(waveform: Waveform) -> None:
    samples, symbols = a_frame(a_header(9600, waveform=waveform))
    echoes = np.zeros(42, complex)
    echoes[[0, 9, 22, 41]] = 1, 0.4j, -0.2, 0.1
    by = Impairments(25.0, cfo=0.003, delay=0.4, echoes=tuple(echoes))
    frame, _ = receive_one(impair(samples, by, PULSE, 1.0, np.random.default_rng(1)))
    error = np.abs(np.concatenate(frame.symbols) - symbols) ** 2
    assert 10 * np.log10(error.mean()) < -18
    assert 0.5 < np.mean(error / np.concatenate(frame.noise_variance)) < 2


def test_a_clock_offset_is_tracked() -> None:
    samples, symbols = a_frame(a_header(9600))
    ppm = 60e-6
    fine = np.fft.ifft(np.fft.ifftshift(np.pad(np.fft.fftshift(np.fft.fft(samples)), 7 * len(samples) // 2))) * 8
    times = np.arange(len(samples) - 100) * (1 + ppm) * 8
    moved = np.interp(times, np.arange(len(fine)), fine.real) + 1j * np.interp(times, np.arange(len(fine)), fine.imag)
    frame, _ = receive_one(impair(moved, Impairments(20.0), PULSE, 1.0, np.random.default_rng(1)))
    assert -10 * np.log10(np.mean(np.abs(np.concatenate(frame.symbols) - symbols) ** 2)) > 19


def test_frames_in_a_row_and_chunks_of_any_length() -> None:
    sent = [a_frame(a_header(500, sequence)) for sequence in range(4)]
    samples = impair(np.concatenate([one for one, _ in sent]), Impairments(20.0), PULSE, 1.0, np.random.default_rng(0))
    for chunk in (777, 10**6):
        frames, _ = receive(samples, chunk=chunk)
        assert [(one.header.sequence, one.complete) for one in frames] == [(0, True), (1, True), (2, True), (3, True)]


def test_a_frame_below_the_noise_is_found() -> None:
    samples, _ = a_frame(a_header(480, blocks=32))
    for seed in range(3):
        draws = np.random.default_rng(seed)
        by = Impairments(-11.0, draws.uniform(-0.01, 0.01), draws.uniform(), draws.uniform(0, 6))
        frame, _ = receive_one(impair(samples, by, PULSE, 1.0, draws))
        assert frame.header == a_header(480, blocks=32)


def test_noise_tones_and_silence_hold_no_frames() -> None:
    time = np.arange(300_000)
    for samples in (gaussian(10**6), np.exp(0.3j * time), np.ones(300_000), np.zeros(300_000), np.exp(1e-6j * time**2)):
        frames, receiver = receive(samples.astype(np.complex64))
        assert not frames
        assert receiver.lost_headers == 0


def test_memory_does_not_grow_with_the_stream() -> None:
    receiver = receive(gaussian(100))[1]
    sizes = []
    for _ in range(8):
        list(receiver.push(gaussian(500_000)))
        sizes.append(receiver.buffered)
    assert max(sizes) < 10**6


def test_least_squares_finds_echoes_and_noise() -> None:
    taps = np.zeros(32, complex)
    taps[[-FIRST, -FIRST + 3, -FIRST + 11, -FIRST - 2]] = 1, 0.5j, -0.25, 0.1
    sent = np.convolve(preamble(), taps)[-FIRST : PREAMBLE_PULSES - FIRST]
    estimate = estimate_channel(sent + 0.1 * gaussian(PREAMBLE_PULSES))
    assert np.abs(estimate.taps - taps).max() < 0.02
    assert np.count_nonzero(estimate.taps) <= 6
    assert estimate.noise_variance == pytest.approx(0.01, rel=0.15)
    equaliser, delay = estimate.equaliser()
    whole = np.convolve(equaliser, estimate.taps)
    assert whole[delay - FIRST] == pytest.approx(1)
    assert (np.abs(np.delete(whole, delay - FIRST)) ** 2).sum() < 0.01


def test_the_kalman_filter_estimates_a_rate() -> None:
    tracked, draws = KalmanFilter(0.0, 1.0, 0.1, 0.0), np.random.default_rng(0)
    for time in range(0, 1000, 10):
        measured = 3 + 0.02 * time + 0.1 * draws.standard_normal()
        tracked.update(time, measured - tracked.value_at(time), 0.01)
    assert tracked.rate == pytest.approx(0.02, abs=3e-4)
    assert tracked.value_at(2000) == pytest.approx(43, abs=0.4)

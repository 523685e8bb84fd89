"""Broken, forged and random input: nothing crashes, and noise makes no picture."""

import dataclasses
from binascii import crc_hqx
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from radio_frames import PULSE, a_frame, a_header, events_of, gaussian, receive, receive_one

from deepjscc.errors import DeepJSCCError
from deepjscc.radio.events import HeaderLost, Reception
from deepjscc.radio.frame import header_end, with_pilots
from deepjscc.radio.frame_header import FrameHeader
from deepjscc.radio.outliers import OutlierLimiter
from deepjscc.radio.picture_decoder import PictureDecoder
from deepjscc.radio.protection import header_pulses
from deepjscc.radio.receiver import Receiver
from deepjscc.radio.transmitter import shape_frame
from deepjscc.radio.waveform_config import WaveformConfig
from deepjscc.radio.zadoff_chu import preamble
from deepjscc.zoo import weights_hash

CLEAN, SYMBOLS = a_frame()
LINEAR = weights_hash("linear")


def test_nan_infinite_and_absurd_samples_become_zeros() -> None:
    samples = CLEAN.copy()
    samples[40_000:40_004] = [np.nan, np.inf, -1j * np.inf, 1e30]
    frame, receiver = receive_one(samples)
    assert frame.complete
    assert receiver.invalid_samples == 4
    assert "4 samples were NaN" in (receiver.note() or "")
    nothing, receiver = receive(np.full(100_000, np.nan, np.complex64))
    assert not nothing
    assert "are they cf32?" in (receiver.note() or "")


def test_clipped_samples_still_make_a_frame() -> None:
    parts = CLEAN.view(np.float32).clip(-0.6, 0.6)
    frame, _ = receive_one(parts.view(np.complex64))
    assert frame.complete
    assert 3 < frame.snr_db < 30


@pytest.mark.parametrize("share", [0.05, 0.4, 0.85])
def test_a_frame_that_stops_early(share: float) -> None:
    frames, _ = receive(CLEAN[: int(share * len(CLEAN))])
    assert all(isinstance(frame, HeaderLost) or not frame.complete for frame in frames)
    if share > 0.8:
        (frame,) = frames
        assert isinstance(frame, Reception)
        assert frame.header == a_header()
        assert 0 < frame.received < 3000
        got = np.concatenate(frame.symbols)[:500]
        assert np.mean(np.abs(got - SYMBOLS[: len(got)]) ** 2) < 0.01


def test_a_second_frame_in_the_middle_of_the_first() -> None:
    late, _ = a_frame(a_header(3000, 9))
    samples = np.zeros(len(CLEAN) + 40_000, np.complex64)
    samples[: len(CLEAN)] += CLEAN
    samples[40_000:] += late[: len(samples) - 40_000]
    frames, _ = receive(samples)
    assert 5 in [one.header.sequence for one in frames if isinstance(one, Reception)]
    # The other way round the second is ten times as strong: its header gets through, and the first ends there.
    samples[40_000:] += 9 * late[: len(samples) - 40_000]
    frames, _ = receive(samples)
    decoded = [one for one in frames if isinstance(one, Reception)]
    assert [(one.header.sequence, one.complete) for one in decoded] == [(5, False), (9, True)]


def test_a_corrupt_header_is_counted_and_the_next_frame_received() -> None:
    broken = CLEAN.copy()
    start, count = 2000 + 4 * 1016, 4 * (header_end(16) - 1016)
    broken[start : start + count] = gaussian(count)
    frames, receiver = receive(np.concatenate([broken, CLEAN]))
    assert [type(one) for one in frames] == [HeaderLost, Reception]
    assert receiver.lost_headers == 1


def test_a_header_that_claims_too_many_symbols_is_refused() -> None:
    samples, _ = a_frame(a_header(3000))
    (event,) = events_of(Receiver(PULSE, max_uses=2999), samples)
    assert isinstance(event, HeaderLost)


def reception(header: FrameHeader, symbols: np.ndarray, side_info: tuple[bytes | None, ...]) -> Reception:
    noise = np.full(len(symbols), 0.1, np.float32)
    places = np.arange(len(symbols))
    return Reception(
        0, 0.0, 10.0, header, (places,), (symbols.astype(np.complex64),), (noise,), side_info, complete=True
    )


@settings(max_examples=60, deadline=None)
@given(
    size=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    uses=st.integers(1, 2000),
    strong=st.binary(max_size=4),
    weak=st.none() | st.binary(max_size=60),
    model=st.sampled_from([LINEAR, weights_hash("cnn-c16-awgn-10db"), "0" * 12]),
    received=st.integers(0, 2000),
)
def test_forged_headers_make_a_picture_or_one_line(
    size: tuple[int, int], uses: int, strong: bytes, weak: bytes | None, model: str, received: int
) -> None:
    """Headers with a correct checksum and arbitrary content."""
    header = FrameHeader(0, model, *size, uses, strong, 0, 0)
    forged = reception(header, gaussian(uses)[:received], (strong, weak))
    try:
        image, line = DECODER.decode(forged), ""
    except DeepJSCCError as error:
        image, line = None, str(error)
    assert "\n" not in line
    assert image is None or image.shape == (3, *size)


DECODER = PictureDecoder()


def test_a_picture_beyond_the_receiver_s_limit_is_refused() -> None:
    header = FrameHeader(0, LINEAR, 10_000, 10_000, 5)
    with pytest.raises(DeepJSCCError, match="more than this receiver decodes"):
        DECODER.decode(reception(header, gaussian(5), ()))


def test_mutated_and_random_frames_do_not_crash() -> None:
    """Runs of samples are moved, scaled, reversed or replaced; only the sent header may be decoded."""
    draws = np.random.default_rng(0)
    for trial in range(12):
        samples = CLEAN.copy()
        for _ in range(draws.integers(1, 6)):
            first, count = draws.integers(0, len(samples)), draws.integers(1, 30_000)
            part = samples[first : first + count]
            match draws.integers(5):
                case 0:
                    part[:] = gaussian(len(part), trial)
                case 1:
                    part *= 10 ** draws.uniform(-3, 3)
                case 2:
                    part[:] = part[::-1]
                case 3:
                    part[:] = np.roll(part, draws.integers(1, 100))
                case 4:
                    part[:] = draws.choice([np.nan, 0, 1e20, 3])
        for one in receive(samples)[0]:
            if isinstance(one, HeaderLost):
                continue
            assert one.header == a_header()
            if one.symbols:
                assert np.isfinite(np.concatenate(one.symbols)).all()
                with pytest.raises(DeepJSCCError):
                    DECODER.decode(one)  # its model does not exist


@settings(max_examples=200, deadline=None)
@given(data=st.binary(min_size=40, max_size=40), good_check=st.booleans())
def test_random_headers_by_the_thousand(data: bytes, good_check: bool) -> None:
    """With a checksum that is right by design, sizes are bounded all the same."""
    if good_check:
        body = b"J\x02" + bytes([data[2] & 31]) + data[3:38]
        data = body + crc_hqx(body, 0).to_bytes(2, "big")
    try:
        header = FrameHeader.unpack(data)
    except DeepJSCCError:
        return
    assert header.height * header.width <= 178_000_000
    assert header.uses <= 3 * (header.height + 63) * (header.width + 63)


def test_a_model_that_needs_all_symbols_refuses_a_part(coffee: torch.Tensor) -> None:
    header = dataclasses.replace(a_header(512), weights_hash=weights_hash("cnn-c16-awgn-10db"), height=32, width=32)
    header = dataclasses.replace(header, strong=b"", weak_bytes=0, weak_eighths=0)
    samples, _ = shape_frame(header, gaussian(512), b"", WaveformConfig(amplitude=1.0, papr_db=None))
    frame, _ = receive_one(np.pad(samples, 1000))
    assert DECODER.decode(frame).image.shape == (3, 32, 32)
    parts = (frame.index, frame.symbols, frame.noise_variance)
    index, symbols, noise = ((np.concatenate(runs)[:511],) for runs in parts)
    frame = dataclasses.replace(frame, index=index, symbols=symbols, noise_variance=noise)
    with pytest.raises(DeepJSCCError, match="1 symbols are missing, and cnn needs all"):
        DECODER.decode(frame)


def test_noise_makes_no_file(tmp_path: Path) -> None:
    from deepjscc.radio.receive_images import receive_images

    chunks = (gaussian(200_000, seed) for seed in range(5))
    assert not list(receive_images(chunks, Receiver(PULSE), DECODER, tmp_path))
    assert not list(tmp_path.iterdir())


def test_a_frame_of_version_1_is_named() -> None:
    """Its header had 32 bytes in 24 blocks."""
    pulses = np.concatenate([preamble(), with_pilots(header_pulses(b"DJ\x01" + bytes(29), 24), 0), gaussian(4800)])
    (event,) = events_of(Receiver(PULSE), np.pad(PULSE.shape(pulses), 4000))
    assert isinstance(event, HeaderLost)
    assert "version 1" in event.reason


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_one_loud_sample_does_not_deafen_the_receiver_and_numpy_is_quiet() -> None:
    for place in (1500, 20_000):
        samples = CLEAN.copy()
        samples[place] = 1e9
        frame, receiver = receive_one(samples)
        assert frame.complete
        assert receiver.clipped_samples == 1
        assert "1 samples were far beyond" in (receiver.note() or "")
        error = np.mean(np.abs(frame.all_symbols()[0] - SYMBOLS) ** 2)
        assert error < 0.02
    for value in (1e30, 3e38, 1e-40, np.inf, np.nan):
        receive(np.full(60_000, value, np.complex64))
    receive(np.full(60_000, 1e300 + 0j))


def test_outliers_are_clipped_at_30_times_the_median_whatever_the_chunks() -> None:
    samples = gaussian(5000)
    loud = samples.copy()
    loud[[100, 2600, 2601]] = 1e6, -1e7j, 50
    for chunk in (7, 300, 5000):
        limiter = OutlierLimiter()
        parts = [limiter.push(loud[start : start + chunk]) for start in range(0, 5000, chunk)]
        out = np.concatenate([*parts, limiter.push(np.zeros(limiter.room, np.complex64))])[:5000]
        assert limiter.clipped == 3
        quiet = np.delete(np.arange(5000), [100, 2600, 2601])
        assert (out[quiet] == samples[quiet]).all()
        assert 20 < np.abs(out[100]) < 30
        assert np.angle(out[2600]) == pytest.approx(-np.pi / 2)

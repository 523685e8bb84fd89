"""Spreading: a permutation and a unitary transform, low peaks of real pictures, and the strongest symbols first."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from radio_frames import PULSE, a_header, gaussian, receive_one

from deepjscc.data import open_data
from deepjscc.images import to_float
from deepjscc.radio.frame_header import Waveform
from deepjscc.radio.impairments import Impairments, impair
from deepjscc.radio.peaks import clip, papr_db
from deepjscc.radio.spreading import (
    BLOCK_SYMBOLS,
    SEGMENTS,
    SHARES,
    block_count,
    choose_spreading,
    invert_transform,
    spread,
    spread_order,
)
from deepjscc.radio.transmitter import picture_burst, shape_frame
from deepjscc.radio.waveform_config import DEFAULT_PAPR_DB, WaveformConfig

SPREADINGS = st.tuples(*[st.integers(0, SHARES - 1)] * SEGMENTS)


def decaying(count: int) -> np.ndarray:
    """Symbols of mean power 1 whose power falls by 30 dB, in runs of neighbours alike, as those of a picture."""
    power = (100 + np.arange(count)) ** -0.75
    runs = np.repeat(gaussian(count // 30 + 1), 30)[:count] + 0.3 * gaussian(count, 1)
    symbols = runs * np.sqrt(power)
    return (symbols / np.sqrt(np.mean(np.abs(symbols) ** 2))).astype(np.complex64)


@settings(max_examples=50, deadline=None)
@given(spreading=SPREADINGS, uses=st.integers(1, 20_000))
def test_the_order_is_a_permutation(spreading: tuple[int, ...], uses: int) -> None:
    order = spread_order(spreading, uses)
    assert order.shape == (block_count(uses), BLOCK_SYMBOLS)
    assert (np.sort(order.reshape(-1)) == np.arange(order.size)).all()


@settings(max_examples=10, deadline=None)
@given(spreading=SPREADINGS, uses=st.integers(1, 5000))
def test_spreading_is_inverted_and_keeps_energy(spreading: tuple[int, ...], uses: int) -> None:
    symbols = gaussian(uses)
    order = spread_order(spreading, uses).reshape(-1)
    sent = spread(symbols, spreading, transform=True)
    assert np.sum(np.abs(sent) ** 2) == pytest.approx(np.sum(np.abs(symbols) ** 2), rel=1e-4)
    back = np.empty(order.size, np.complex64)
    back[order] = invert_transform(sent)
    assert np.abs(back[:uses] - symbols).max() < 1e-5
    plain = np.empty(order.size, np.complex64)
    plain[order] = spread(symbols, spreading, transform=False)
    assert (plain[:uses] == symbols).all()


def test_white_noise_stays_white() -> None:
    noise = invert_transform(gaussian(100 * BLOCK_SYMBOLS))
    assert np.mean(np.abs(noise) ** 2) == pytest.approx(1, rel=0.02)
    assert abs(np.mean(noise[1:] * noise[:-1].conj())) < 0.02


def test_all_blocks_have_nearly_the_same_energy_and_the_strongest_symbols_come_first() -> None:
    symbols = decaying(40_000)
    spreading = choose_spreading(symbols)
    sent = spread(symbols, spreading, transform=True).reshape(-1, BLOCK_SYMBOLS)
    energy = (np.abs(sent) ** 2).mean(1)
    assert 10 * np.log10(energy.max() / energy.mean()) < 3
    order = spread_order(spreading, len(symbols))
    # Constant power carries a quarter of the energy in a quarter of the time: about the first symbols that have it.
    first = order[: len(order) // 4].reshape(-1)
    cumulative = np.cumsum(np.abs(symbols) ** 2) / np.sum(np.abs(symbols) ** 2)
    assert np.isin(np.arange(int(np.searchsorted(cumulative, 0.1))), first).all()


def test_equal_powers_stay_in_order_of_segments() -> None:
    spreading = choose_spreading(np.ones(16 * BLOCK_SYMBOLS, np.complex64))
    assert spreading == (0,) * SEGMENTS
    order = spread_order(spreading, 16 * BLOCK_SYMBOLS)
    assert (np.sort(order, axis=1).reshape(-1) == np.arange(order.size)).all()


@pytest.mark.parametrize("waveform", Waveform)
def test_spread_symbols_arrive_with_the_noise_of_the_matched_filter(waveform: Waveform) -> None:
    symbols = decaying(4000)
    header = replace(
        a_header(4000, waveform=waveform), spreading=choose_spreading(symbols), weak_bytes=0, weak_eighths=0
    )
    samples, _ = shape_frame(header, symbols, b"", WaveformConfig(PULSE, amplitude=1.0))
    by = Impairments(15.0, cfo=0.004, delay=0.3)
    frame, _ = receive_one(impair(np.pad(samples, 2000), by, PULSE, 1.0, np.random.default_rng(0)))
    received, noise = frame.all_symbols()
    error = np.abs(received - symbols) ** 2
    assert 10 * np.log10(error.mean()) == pytest.approx(-15, abs=0.4)
    assert np.mean(error / noise) == pytest.approx(1, abs=0.1)
    assert np.mean(error[:400]) < 2 * np.mean(error)  # the strongest symbols are no worse than the others


@pytest.mark.parametrize("waveform", Waveform)
def test_sample_photographs_have_at_most_11_db_and_clipping_costs_nothing(waveform: Waveform) -> None:
    for image in open_data("samples"):
        image = image[:, :256, :256]
        config = WaveformConfig(waveform=waveform)
        burst = picture_burst(image, "linear", config, 10.0, 1 / 12)
        assert burst.report["papr_db"] <= 11
        plain = picture_burst(image, "linear", replace(config, spread=False, papr_db=None), 10.0, 1 / 12)
        assert plain.report["papr_db"] > burst.report["papr_db"] + 4
        whole = picture_burst(image, "linear", replace(config, papr_db=None), 10.0, 1 / 12).samples
        # Below -45 dB an error costs at most 0.02 dB of SNR up to 22 dB, and of a picture less.
        assert np.sum(np.abs(burst.samples - whole) ** 2) < 10**-4.5 * np.sum(np.abs(whole) ** 2)


def test_the_default_limit_clips_next_to_nothing_of_gaussian_samples() -> None:
    samples = gaussian(200_000)
    clipped, share = clip(samples, DEFAULT_PAPR_DB)
    assert share < 5e-5
    assert np.mean(np.abs(clipped - samples) ** 2) < 10**-5.5
    assert papr_db(clipped) < 10.6


def test_a_prefix_of_a_spread_picture_decodes(coffee: torch.Tensor) -> None:
    from deepjscc.metrics import psnr
    from deepjscc.radio.events import FrameAssembler
    from deepjscc.radio.picture_decoder import PictureDecoder
    from deepjscc.radio.receiver import Receiver

    image, config = coffee[:, :128, :160], WaveformConfig(PULSE)
    samples = np.pad(picture_burst(image, "linear", config, 10.0, 1 / 2).samples, 3000)
    samples = impair(samples, Impairments(10.0), PULSE, config.amplitude, np.random.default_rng(0))
    assembler, decoder, receiver = FrameAssembler(), PictureDecoder(), Receiver(PULSE)
    qualities, seen = [], 0
    for start in range(0, len(samples), 8000):
        for event in receiver.push(samples[start : start + 8000]):
            assembler.add(event)
            frame = assembler.so_far()
            if frame is not None and frame.received > seen + frame.header.uses // 10:
                seen = frame.received
                qualities.append(psnr(to_float(decoder.decode(frame).image), to_float(image)).item())
    assert len(qualities) >= 2
    assert qualities == sorted(qualities)

"""DC offset and I/Q imbalance: what is estimated and removed, and what is left."""

from dataclasses import replace

import numpy as np
import pytest
from radio_frames import PULSE, a_frame, a_header, gaussian, receive_one

from deepjscc.radio.channel_estimate import estimate_channel
from deepjscc.radio.front_end import FrontEnd, estimate_front_end
from deepjscc.radio.impairments import Impairments, impair
from deepjscc.radio.zadoff_chu import PREAMBLE_PULSES, preamble

SAMPLES, SYMBOLS = a_frame(a_header(4800))
INDEX = np.arange(PREAMBLE_PULSES)


def error_db(by: Impairments) -> float:
    """Mean squared error of the symbols in dB, over a channel with a carrier offset and noise of its own."""
    frame, _ = receive_one(impair(SAMPLES, by, PULSE, 1.0, np.random.default_rng(3)))
    return float(10 * np.log10(np.mean(np.abs(frame.all_symbols()[0] - SYMBOLS) ** 2)))


@pytest.mark.parametrize("cfo", [0.0, 0.004])
def test_offset_and_image_are_estimated_at_any_carrier_offset(cfo: float) -> None:
    angle = 2 * np.pi * cfo * INDEX + 0.4
    perfect = 0.8 * preamble() * np.exp(1j * angle)
    truth = FrontEnd(0.3 - 0.2j, 0.05 + 0.04j)
    faulty = perfect + truth.image * perfect.conj() + truth.dc
    pulses = (faulty + 0.02 * gaussian(PREAMBLE_PULSES)) * np.exp(-1j * angle)
    found = estimate_front_end(pulses, angle, estimate_channel(pulses))
    assert found.dc == pytest.approx(truth.dc, abs=0.02)
    assert found.image == pytest.approx(truth.image, abs=0.02)
    left = found.correct(faulty.astype(np.complex64)) - perfect
    assert np.mean(np.abs(left) ** 2) < 1e-3


def test_a_perfect_front_end_is_left_alone() -> None:
    for seed in range(20):
        pulses = preamble() + 0.3 * gaussian(PREAMBLE_PULSES, seed)
        assert estimate_front_end(pulses, 0.01 * INDEX, estimate_channel(pulses)).ideal
    samples = gaussian(10)
    assert FrontEnd().correct(samples) is samples


@pytest.mark.parametrize("cfo", [0.0, 0.003])
@pytest.mark.parametrize(
    "fault",
    [{"dc_db": -20.0}, {"dc_db": -6.0}, {"dc_db": 0.0}, {"iq_gain_db": 1.0, "iq_phase_deg": 5.0}],
    ids=str,
)
def test_offset_and_imbalance_cost_next_to_nothing(fault: dict[str, float], cfo: float) -> None:
    clean = Impairments(20.0, cfo, 0.3)
    assert error_db(replace(clean, **fault)) == pytest.approx(error_db(clean), abs=0.15)


def test_both_with_echoes() -> None:
    echoes = (1.0 + 0j, 0j, 0j, 0j, 0j, 0j, 0j, 0j, 0.3j)
    clean = Impairments(20.0, 0.003, 0.3, echoes=echoes)
    faulty = replace(clean, dc_db=-6.0, iq_gain_db=1.0, iq_phase_deg=5.0)
    assert error_db(faulty) == pytest.approx(error_db(clean), abs=0.3)


def test_impairments_are_as_large_as_they_say() -> None:
    samples = np.exp(2j * np.pi * 0.01 * np.arange(10_000)).astype(np.complex64)
    tone = impair(samples, Impairments(dc_db=-6.0), PULSE, 1.0, np.random.default_rng(0))
    assert 20 * np.log10(abs(tone.mean())) == pytest.approx(-6, abs=0.01)
    tone = impair(samples, Impairments(iq_gain_db=1.0, iq_phase_deg=5.0), PULSE, 1.0, np.random.default_rng(0))
    image = np.mean(tone * samples)  # the mirror image of exp(jwt) is exp(-jwt)
    assert 20 * np.log10(abs(image)) == pytest.approx(-22.8, abs=0.3)
    gains = np.sqrt(np.mean(tone.real**2) / np.mean(tone.imag**2))
    assert 20 * np.log10(gains) == pytest.approx(1.0, abs=0.02)

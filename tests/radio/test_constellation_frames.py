"""Points of a finite constellation in recordings and radio frames: they are what is on the air, and are received."""

from pathlib import Path

import numpy as np
import pytest
import torch

from deepjscc.channels import AWGN
from deepjscc.images import read_image, to_float
from deepjscc.metrics import psnr
from deepjscc.radio import transmitter
from deepjscc.radio.iq_file import read_frame
from deepjscc.radio.picture_decoder import PictureDecoder
from deepjscc.radio.pulse import Pulse
from deepjscc.radio.receive_images import receive_images
from deepjscc.radio.receiver import Receiver
from deepjscc.radio.split import decode_image, encode_image, pass_channel
from deepjscc.radio.transmitter import picture_burst
from deepjscc.radio.waveform_config import WaveformConfig
from deepjscc.types import Image8

NAME = "linear@256qam"


@pytest.fixture(scope="module")
def image() -> Image8:
    from deepjscc.data.samples import sample_path

    return read_image(sample_path("coffee"))[:, 60:156, 150:278]


def test_a_recording_holds_points_and_decodes(image: Image8, tmp_path: Path) -> None:
    encode_image(image, NAME, tmp_path / "sent", 15.0, 1 / 8)
    symbols = read_frame(tmp_path / "sent")[1].symbols
    assert len(torch.view_as_real(symbols).unique()) == 16
    pass_channel(tmp_path / "sent", AWGN(), tmp_path / "received", 15.0, seed=0)
    decoded, report, _ = decode_image([tmp_path / "received"])
    assert report["model"] == NAME
    assert psnr(to_float(image), to_float(decoded)).item() > 27


def test_pulses_on_the_air_are_points(image: Image8, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = []

    def frame_pulses(header: object, symbols: np.ndarray, weak: bytes) -> np.ndarray:
        frames.append((header, symbols))
        return original(header, symbols, weak)

    original = transmitter.frame_pulses
    monkeypatch.setattr(transmitter, "frame_pulses", frame_pulses)
    samples = picture_burst(image, NAME, WaveformConfig(Pulse()), 15.0, 1 / 8).samples
    ((header, symbols),) = frames
    assert header.spreading is None
    assert len(np.unique(symbols.real)) == 16
    power, rng = np.mean(np.abs(samples) ** 2), np.random.default_rng(0)
    noise = rng.normal(size=(2, len(samples) + 4000)) * (power * 10**-1.5 / 2 * 4) ** 0.5
    received = np.pad(samples, 2000) + (noise[0] + 1j * noise[1]).astype(np.complex64)
    (report,) = receive_images([received], Receiver(Pulse()), PictureDecoder(), tmp_path)
    assert "header ok" in report.line()
    shown = to_float(read_image(tmp_path / "picture-00001.png"))
    assert psnr(to_float(image), shown).item() > 25

"""Hybrid images in recordings and radio frames: every bit is sent, and the receiver says which layers arrived."""

from pathlib import Path

import numpy as np
import pytest
import torch

from deepjscc.channels import AWGN
from deepjscc.images import read_image, to_float
from deepjscc.metrics import psnr
from deepjscc.radio.picture_decoder import PictureDecoder
from deepjscc.radio.pulse import Pulse
from deepjscc.radio.receive_images import receive_images
from deepjscc.radio.receiver import Receiver
from deepjscc.radio.split import decode_image, encode_image, pass_channel
from deepjscc.radio.transmitter import picture_burst
from deepjscc.radio.waveform_config import WaveformConfig
from deepjscc.types import Image8

NAME = "jpeg2000+ldpc-fine+hybrid"


@pytest.fixture(scope="module")
def image() -> Image8:
    from deepjscc.data.samples import sample_path

    return read_image(sample_path("coffee"))[:, 60:156, 150:278]


@pytest.mark.parametrize(
    ("snr_db", "spread_db", "layers"), [(10.0, 0.0, "base+analog"), (5.0, 0.0, "coarse"), (5.0, 6.0, "base+analog")]
)
def test_a_recording_says_which_layers_arrived(
    image: Image8, tmp_path: Path, snr_db: float, spread_db: float, layers: str
) -> None:
    """Planned for 10 dB the base is lost at 5 dB; planned for 10±6 dB it arrives."""
    encode_image(image, NAME, tmp_path / "sent", 10.0, 1 / 4, snr_spread_db=spread_db)
    pass_channel(tmp_path / "sent", AWGN(), tmp_path / "received", snr_db, seed=0)
    decoded, report, _ = decode_image([tmp_path / "received"])
    assert report["layers"] == layers
    if layers == "coarse":
        assert "estimated_psnr_db" not in report
    else:
        measured = psnr(to_float(image), to_float(decoded)).item()
        assert report["estimated_psnr_db"] == pytest.approx(measured, abs=1.0)
    assert psnr(to_float(image), to_float(decoded)).item() > (25 if layers != "coarse" else 13)


def test_a_frame_says_which_layers_arrived(image: Image8, tmp_path: Path) -> None:
    samples = picture_burst(image, NAME, WaveformConfig(Pulse()), 8.0, 1 / 4).samples
    rng = np.random.default_rng(0)
    lines = []
    for noise_db in (-20.0, 3.0):
        power = np.mean(np.abs(samples) ** 2) * 10 ** (noise_db / 10)
        noise = rng.normal(size=(2, len(samples) + 4000)) * (power / 2) ** 0.5
        received = np.pad(samples, 2000) + (noise[0] + 1j * noise[1]).astype(np.complex64)
        (report,) = receive_images([received], Receiver(Pulse()), PictureDecoder(), tmp_path)
        lines.append(report)
    assert [report.layers for report in lines] == ["base+analog", "coarse"]
    assert [report.numbers()["layers"] for report in lines] == ["base+analog", "coarse"]
    assert lines[1].line().endswith("(received: coarse)")
    assert f"(received: base+analog; about {lines[0].numbers()['estimated_psnr_db']:.1f} dB)" in lines[0].line()
    shown = to_float(read_image(tmp_path / "picture-00001.png"))
    assert psnr(to_float(image), shown).item() > 25


def test_a_hybrid_recording_at_infinite_snr_is_what_was_sent(image: Image8, tmp_path: Path) -> None:
    encode_image(image, NAME, tmp_path / "sent", 10.0, 1 / 4)
    decoded, report, _ = decode_image([tmp_path / "sent"])
    assert report["layers"] == "base+analog"
    assert torch.isfinite(psnr(to_float(image), to_float(decoded))).all()

"""Pictures as files of bits: the rate they say, the picture through flipped bits, and files that are broken."""

import json
from pathlib import Path

import numpy as np
import pytest

from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.evaluation.bits import send_bits
from deepjscc.images import read_image, to_float
from deepjscc.metrics import psnr
from deepjscc.radio.bit_file import bit_paths, read_bits
from deepjscc.radio.bits import decode_bits, encode_to_bits, flip_bits_of
from deepjscc.types import Image8

NAME = "linear@256qam"


@pytest.fixture
def image(picture: Path) -> Image8:
    return read_image(picture)


def test_files_hold_nothing_but_bits_at_the_rate_that_is_said(image: Image8, tmp_path: Path) -> None:
    report = encode_to_bits(image, NAME, tmp_path / "sent", 1 / 4)
    assert report["bits"] == 8 * report["symbols"]
    assert Path(report["bits_file"]).stat().st_size == report["symbols"]
    pixels = image.shape[1] * image.shape[2]
    assert report["bits_per_pixel"] == pytest.approx((report["bits"] + report["side_info_bits"]) / pixels)
    assert report["bits_per_pixel"] <= 3 * 8 / 4


def test_flipped_bits_cost_quality_little_by_little(image: Image8, tmp_path: Path) -> None:
    encode_to_bits(image, NAME, tmp_path / "sent", 1 / 4)
    found = []
    for error_rate in (0.0, 1e-3, 1e-2, 1e-1):
        path = tmp_path / f"received-{error_rate}.bits"
        report = flip_bits_of(tmp_path / "sent.bits", path, error_rate, seed=0)
        assert report["flipped"] == pytest.approx(error_rate * report["bits"], rel=0.3)
        decoded, told = decode_bits(path)
        assert told["bit_error_rate"] == error_rate
        found.append(psnr(to_float(image), to_float(decoded)).item())
    assert found == sorted(found, reverse=True)
    assert found[0] > 28
    assert found[2] > 24
    assert found[3] > 14


def test_a_transmitter_that_knows_the_error_rate_does_better(image: Image8, tmp_path: Path) -> None:
    encode_to_bits(image, NAME, tmp_path / "sent", 1 / 4)
    flip_bits_of(tmp_path / "sent.bits", tmp_path / "received.bits", 0.05, seed=0)
    unplanned = psnr(to_float(image), to_float(decode_bits(tmp_path / "received.bits")[0])).item()
    _, report = send_bits(image, NAME, 1 / 4, 0.05, seed=0)
    assert report["psnr_db"] > unplanned + 0.3


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"bits": 7}, "bytes instead of"),
        ({"bits": -1}, "not metadata"),
        ({"bits": "many"}, "not metadata"),
        ({"bit_error_rate": 0.7}, "not metadata"),
        ({"deepjscc:frame": None}, "not metadata"),
        ({"deepjscc:frame": {}}, "not metadata"),
    ],
)
def test_broken_metadata_are_one_line(change: dict[str, object], told: str, image: Image8, tmp_path: Path) -> None:
    encode_to_bits(image, NAME, tmp_path / "sent", 1 / 4)
    _, meta = bit_paths(tmp_path / "sent")
    meta.write_text(json.dumps(json.loads(meta.read_text()) | change))
    with pytest.raises(DeepJSCCError, match=told) as refused:
        read_bits(tmp_path / "sent")
    assert "\n" not in str(refused.value)


def test_what_does_not_fit_is_refused(image: Image8, tmp_path: Path) -> None:
    encode_to_bits(image, NAME, tmp_path / "sent", 1 / 4)
    bits, meta = bit_paths(tmp_path / "sent")
    for error_rate in (-0.1, 0.5, float("nan")):
        with pytest.raises(UsageError, match="a bit error rate is from 0"):
            flip_bits_of(bits, tmp_path / "no.bits", error_rate, seed=0)
    flip_bits_of(bits, tmp_path / "once.bits", 0.01, seed=0)
    with pytest.raises(UsageError, match="flipped already"):
        flip_bits_of(tmp_path / "once.bits", tmp_path / "twice.bits", 0.01, seed=0)
    with pytest.raises(UsageError, match="write linear@256qam"):
        encode_to_bits(image, "linear", tmp_path / "no", 1 / 4)
    with pytest.raises(DeepJSCCError, match="other weights"):
        decode_bits(bits, "linear@64qam")
    text = json.loads(meta.read_text())
    text["deepjscc:frame"]["model"] = "linear"
    meta.write_text(json.dumps(text))
    with pytest.raises(DeepJSCCError, match="other weights"):
        decode_bits(bits)
    np.zeros(3, np.uint8).tofile(bits)
    with pytest.raises(DeepJSCCError, match="holds 3 bytes"):
        read_bits(bits)
    meta.unlink()
    with pytest.raises(DeepJSCCError, match="no such file"):
        read_bits(bits)

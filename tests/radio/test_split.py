"""The link split at the antennas: files that say what they are, and the same picture as in one piece."""

import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
import sigmf
import torch

from deepjscc.channels import AWGN, Mimo, Rayleigh
from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.images import read_image, to_8bit, to_float
from deepjscc.models import Cnn
from deepjscc.models.checkpoint import save_checkpoint
from deepjscc.radio.iq_file import paths, read_frame
from deepjscc.radio.sample_files import recording_datatype
from deepjscc.radio.split import decode_image, encode_image, pass_channel
from deepjscc.systems import Link
from deepjscc.types import MARGIN_DB
from deepjscc.zoo import load

CHANNELS = [
    *(AWGN(), Rayleigh("image"), Rayleigh("symbol"), Rayleigh("image", "none")),
    *(Mimo(2, 2), Mimo(2, 2, "svd", "symbol")),
]


@pytest.fixture
def sent(tmp_path: Path, picture: Path) -> Path:
    encode_image(read_image(picture), "linear", tmp_path / "sent", 5.0, 1 / 8)
    return tmp_path / "sent"


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda c: f"{type(c).__name__}-{c.coherence}-{c.csi}")
def test_three_programs_make_the_picture_of_one(sent: Path, picture: Path, channel: AWGN) -> None:
    encode_image(read_image(picture), "linear", sent, 5.0, 1 / 8, max(MARGIN_DB, channel.fade_depth_db))
    pass_channel(sent, channel, sent.with_name("received"), 5.0, seed=4)
    split, report, _ = decode_image([sent.with_name("received")])
    images = to_float(read_image(picture))
    link = Link(load("linear"), channel, bandwidth_ratio=1 / 8)
    whole = link.transmit(images, torch.tensor([5.0]), generator=torch.Generator().manual_seed(4))
    assert (split.int() - to_8bit(whole.images)[0].int()).abs().max() <= 1
    assert report["snr_db"] == 5.0


def test_straight_from_the_encoder_is_without_noise(sent: Path, picture: Path) -> None:
    image, report, _ = decode_image([sent.with_suffix(".sigmf-meta")])
    assert report["snr_db"] is None
    assert (image.float() - read_image(picture).float()).square().mean() < 255**2 * 10**-2.5


def test_other_readers_understand_the_recording(sent: Path) -> None:
    meta_path, data_path = paths(sent)
    recording = sigmf.fromfile(str(meta_path))
    recording.validate()
    samples = recording.read_samples()
    assert (
        len(samples)
        == data_path.stat().st_size // 8
        == json.loads(meta_path.read_text())["global"]["deepjscc:frame"]["uses"]
    )
    assert np.mean(np.abs(samples) ** 2) == pytest.approx(1, rel=1e-3)


def test_metadata_has_a_price(tmp_path: Path, picture: Path) -> None:
    (report,) = encode_image(read_image(picture), "linear", tmp_path / "x", 5.0, 1 / 8)
    assert report["side_info_bits"] >= 24
    assert report["side_info_uses"] >= 192
    assert (
        (report["symbols"] + report["side_info_uses"]) / (3 * 80 * 96)
        == pytest.approx(report["bandwidth_ratio"])
        == pytest.approx(1 / 8)
    )


def test_names_with_dots_stay_whole(tmp_path: Path) -> None:
    assert [p.name for p in paths(tmp_path / "a.b")] == ["a.b.sigmf-meta", "a.b.sigmf-data"]
    assert [p.name for p in paths(tmp_path / "a.sigmf-data")] == ["a.sigmf-meta", "a.sigmf-data"]


def _edit(path: Path, **fields: object) -> None:
    meta_path, _ = paths(path)
    metadata = json.loads(meta_path.read_text())
    metadata["global"]["deepjscc:frame"].update(fields)
    meta_path.write_text(json.dumps(metadata))


def _spoil(path: Path, change: object) -> None:
    _, data_path = paths(path)
    samples = np.frombuffer(data_path.read_bytes(), dtype="<c8").copy()
    data_path.write_bytes(change(samples).tobytes())  # type: ignore[operator]
    meta_path, _ = paths(path)
    metadata = json.loads(meta_path.read_text())
    del metadata["global"]["core:sha512"]
    meta_path.write_text(json.dumps(metadata))


def test_broken_recordings_are_refused_by_name(sent: Path) -> None:
    meta_path, data_path = paths(sent)
    good_meta, good_data = meta_path.read_bytes(), data_path.read_bytes()

    def restore() -> None:
        meta_path.write_bytes(good_meta)
        data_path.write_bytes(good_data)

    data_path.write_bytes(good_data[:-100])
    with pytest.raises(DeepJSCCError, match="cut short"):
        read_frame(sent)
    data_path.write_bytes(good_data[:-8] + b"12345678")
    with pytest.raises(DeepJSCCError, match="altered"):
        read_frame(sent)
    for value in (math.nan, math.inf):
        restore()
        _spoil(sent, lambda samples, value=value: np.concatenate([samples[:-1], [value]]).astype("<c8"))
        with pytest.raises(DeepJSCCError, match=r"1 of .* NaN or infinite"):
            read_frame(sent)
    for fields in (
        {"height": -1},
        {"height": 10**6, "width": 10**6},
        {"uses": 2**60},
        {"snr_db": "loud"},
        {"side_info": "xyz"},
        {"surprise": 1},
        {"gain": [1]},
        {"gain": [1, 2, 3]},
        {"gain": [math.nan, 0]},
        {"model": 5},
        {"snr_db": 10**400},
    ):
        restore()
        _edit(sent, **fields)
        with pytest.raises(DeepJSCCError):
            read_frame(sent)
    restore()
    meta_path.write_text("{")
    with pytest.raises(DeepJSCCError, match="not metadata"):
        read_frame(sent)
    meta_path.write_text("[]")
    with pytest.raises(DeepJSCCError):
        read_frame(sent)
    restore()
    data_path.unlink()
    with pytest.raises(DeepJSCCError, match=r"[Nn]o such file"):
        read_frame(sent)
    with pytest.raises(DeepJSCCError, match=r"[Nn]o such file"):
        read_frame(sent.with_name("absent"))


def test_recordings_of_others_are_named_as_such(tmp_path: Path) -> None:
    sigmf.fromarray(np.ones(8, dtype=np.complex64)).tofile(str(tmp_path / "other"))
    with pytest.raises(DeepJSCCError, match="not one of deepjscc encode"):
        read_frame(tmp_path / "other")


def test_other_weights_and_other_sizes_are_refused(tmp_path: Path, sent: Path, picture: Path) -> None:
    save_checkpoint(Cnn(filters=4), tmp_path / "other.safetensors")
    with pytest.raises(DeepJSCCError, match="made with weights"):
        decode_image([sent], str(tmp_path / "other.safetensors"))
    encode_image(read_image(picture), str(tmp_path / "other.safetensors"), tmp_path / "cnn", 5.0, None)
    decode_image([tmp_path / "cnn"], str(tmp_path / "other.safetensors"))
    _edit(tmp_path / "cnn", height=40)
    with pytest.raises(UsageError, match="are not an image of"):
        decode_image([tmp_path / "cnn"], str(tmp_path / "other.safetensors"))
    _edit(sent, model="unknown")
    with pytest.raises(UsageError, match="unknown model"):
        decode_image([sent])
    _edit(sent, model="linear", height=1, width=1)
    with pytest.raises(UsageError, match="are not an image of"):
        decode_image([sent])


def test_noise_is_added_once(sent: Path) -> None:
    pass_channel(sent, AWGN(), sent.with_name("received"), 5.0, seed=0)
    with pytest.raises(UsageError, match="been through a channel"):
        pass_channel(sent.with_name("received"), AWGN(), sent.with_name("again"), 5.0, seed=0)


@pytest.mark.parametrize("channel", [AWGN(), Rayleigh("image", "none")], ids=["awgn", "rayleigh"])
def test_side_information_is_lost_where_a_link_would_lose_it(sent: Path, picture: Path, channel: AWGN) -> None:
    encode_image(read_image(picture), "linear", sent, 5.0, 1 / 8, max(MARGIN_DB, channel.fade_depth_db))
    pass_channel(sent, channel, sent.with_name("received"), -15.0, seed=2)
    split, _, _ = decode_image([sent.with_name("received")])
    images = to_float(read_image(picture))
    link = Link(load("linear"), channel, bandwidth_ratio=1 / 8)
    whole = link.transmit(
        images,
        torch.tensor([-15.0]),
        encoder_snr_db=torch.tensor([5.0]),
        generator=torch.Generator().manual_seed(2),
    )
    assert (split.int() - to_8bit(whole.images)[0].int()).abs().max() <= 1


def test_a_recording_opens_no_file_that_its_metadata_names(tmp_path: Path, picture: Path) -> None:
    path = tmp_path / "mine.safetensors"
    save_checkpoint(Cnn(filters=4), path)
    encode_image(read_image(picture), str(path), tmp_path / "iq", 5.0, None)
    with pytest.raises(UsageError, match="not of the zoo; give its checkpoint with --model"):
        decode_image([tmp_path / "iq"])  # the file is there, but anybody may have written its name
    decode_image([tmp_path / "iq"], str(path))
    os.mkfifo(tmp_path / "fifo.safetensors")
    for name in (str(tmp_path / "fifo.safetensors"), "/dev/zero", "../linear", "x" * 10_000):
        _edit(tmp_path / "iq", model=name)
        with pytest.raises(UsageError, match="not of the zoo") as caught:
            decode_image([tmp_path / "iq"])
        assert len(str(caught.value)) < 500
    with pytest.raises(DeepJSCCError, match="not a regular file"):
        decode_image([tmp_path / "iq"], str(tmp_path / "fifo.safetensors"))


def test_only_regular_files_of_bounded_metadata_are_read(tmp_path: Path, sent: Path) -> None:
    meta, data = paths(sent)
    text = json.loads(meta.read_text())
    for content, words in (
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        (json.dumps(text | {"x": "y" * (1 << 20)}), "more than the 1024 kB"),
        (
            json.dumps(text).replace(
                f'"height": {text["global"]["deepjscc:frame"]["height"]}', f'"height": 1{"0" * 5000}'
            ),
            "",
        ),
    ):
        meta.write_text(content)
        with pytest.raises(DeepJSCCError, match=words):
            read_frame(sent)
        with pytest.raises(DeepJSCCError, match=words):
            recording_datatype(meta)
    meta.write_text(json.dumps(text))
    for place, target in ((data, "fifo"), (data, "/dev/zero"), (meta, "fifo"), (meta, "/dev/zero")):
        kept = place.read_bytes()
        place.unlink()
        os.mkfifo(place) if target == "fifo" else place.symlink_to(target)
        with pytest.raises(DeepJSCCError, match="not a regular file"):
            read_frame(sent)
        place.unlink()
        place.write_bytes(kept)
    read_frame(sent)

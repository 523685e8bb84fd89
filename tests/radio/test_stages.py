"""Stages as recordings: what arrived in order is decoded, the rest named."""

from pathlib import Path

import pytest
import torch

from deepjscc.channels import AWGN, Rayleigh
from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.images import read_image, to_8bit, to_float
from deepjscc.models import MultipleDecoders, Residual, SingleDecoder, Staged
from deepjscc.models.checkpoint import save_checkpoint
from deepjscc.radio.iq_file import read_frame
from deepjscc.radio.split import decode_image, encode_image, pass_channel
from deepjscc.types import LinkPlan
from deepjscc.zoo import load


@pytest.fixture(params=[MultipleDecoders, SingleDecoder, Residual], ids=lambda kind: kind.kind)
def weights(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    path = tmp_path / "weights.safetensors"
    torch.manual_seed(0)
    save_checkpoint(request.param(stages=3, filters=4), path)
    return str(path)


def record(weights: str, picture: Path, place: Path) -> list[Path]:
    encode_image(read_image(picture), weights, place, 10.0, None, in_stages=True)
    return [place.with_name(f"{place.name}-stage{stage}") for stage in (1, 2, 3)]


def test_any_first_stages_decode(weights: str, picture: Path, tmp_path: Path) -> None:
    recordings = record(weights, picture, tmp_path / "x")
    images, model = to_float(read_image(picture)), load(weights)
    assert isinstance(model, Staged)
    sent = model.encode(images, LinkPlan(torch.tensor([10.0]))).symbols
    for count in (1, 2, 3):
        decoded, report, notes = decode_image(recordings[:count][::-1], weights)
        assert not notes
        assert report["stages"] == count
        _, whole = read_frame(recordings[0])
        border = model.borders(images.shape[-2:])[count - 1]
        expected = model.decode(
            type(whole)(sent[:, :border], torch.zeros(1, border), None, torch.tensor([torch.inf])), images.shape[-2:]
        )
        assert torch.equal(decoded, to_8bit(expected)[0])


def test_a_gap_ends_the_picture_there(picture: Path, tmp_path: Path, weights: str) -> None:
    first, _, third = record(weights, picture, tmp_path / "x")
    decoded, report, notes = decode_image([first, third], weights)
    assert report["stages"] == 1
    assert notes == [f"{third}: stage 3 is of no use while stage 2 is missing; left out"]
    assert torch.equal(decoded, decode_image([first], weights)[0])
    with pytest.raises(DeepJSCCError, match="stage 1 is missing"):
        decode_image([third], weights)


def test_stages_of_another_image_and_doubles_are_named(picture: Path, tmp_path: Path, weights: str) -> None:
    ours = record(weights, picture, tmp_path / "ours")
    image = read_image(picture).flip(2)
    encode_image(image, weights, tmp_path / "theirs", 10.0, None, in_stages=True)
    theirs = tmp_path / "theirs-stage2"
    decoded, report, notes = decode_image([ours[0], theirs, ours[1], ours[1]], weights)
    assert report["stages"] == 2
    assert notes[0] == f"{theirs}: stage 2 of another image than {ours[0]}; left out"
    assert "stage 2 is there already" in notes[1]
    assert torch.equal(decoded, decode_image(ours[:2], weights)[0])


def test_more_stages_than_the_model_has_are_named(picture: Path, tmp_path: Path, weights: str) -> None:
    recordings = record(weights, picture, tmp_path / "x")
    meta = recordings[2].with_name("x-stage3.sigmf-meta")
    meta.write_text(meta.read_text().replace('"stage": 3', '"stage": 4'))
    _, report, notes = decode_image(recordings, weights)
    assert report["stages"] == 2
    assert notes == [f"{recordings[2]}: stage 4, but {weights} has 3; left out"]


def test_a_whole_recording_goes_alone_and_a_model_without_stages_has_none(
    picture: Path, tmp_path: Path, weights: str
) -> None:
    recordings = record(weights, picture, tmp_path / "x")
    encode_image(read_image(picture), weights, tmp_path / "whole", 10.0, None)
    with pytest.raises(UsageError, match="not a stage"):
        decode_image([recordings[0], tmp_path / "whole"])
    assert torch.equal(decode_image([tmp_path / "whole"], weights)[0], decode_image(recordings, weights)[0])
    with pytest.raises(UsageError, match="one piece"):
        encode_image(read_image(picture), "linear", tmp_path / "y", 10.0, None, in_stages=True)


def test_slow_fading_keeps_its_gain_and_changes_its_noise(picture: Path, tmp_path: Path, weights: str) -> None:
    recordings = record(weights, picture, tmp_path / "x")
    received_parts = []
    for stage, channel in ((0, Rayleigh("image")), (1, Rayleigh("image")), (1, Rayleigh("symbol")), (0, AWGN())):
        pass_channel(recordings[stage], channel, tmp_path / "received", 0.0, seed=5)
        _, sent = read_frame(recordings[stage])
        _, received = read_frame(tmp_path / "received")
        received_parts.append((received.gain, received.symbols - sent.symbols))
    assert received_parts[0][0].item() == received_parts[1][0].item()
    noises = received_parts[0][1] * received_parts[0][0], received_parts[1][1] * received_parts[1][0]
    overlap = (noises[0] * noises[1].conj()).mean().abs() / noises[0].abs().square().mean()
    assert overlap < 0.2
    assert received_parts[2][0].shape[1] == sent.symbols.shape[1]

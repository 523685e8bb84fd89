"""`send-pair`, and `evaluate` over pairs: files, numbers, and one line for whatever goes wrong."""

import json
from pathlib import Path

import polars as pl
import pytest
import torch
from PIL import Image

from deepjscc.cli import main
from deepjscc.images import read_image, write_image
from deepjscc.models import Distributed
from deepjscc.models.checkpoint import save_checkpoint


@pytest.fixture
def pair(tmp_path: Path, coffee: torch.Tensor) -> list[str]:
    paths = [tmp_path / "l.png", tmp_path / "r.png"]
    for shift, path in enumerate(paths):
        write_image(coffee[:, 100:164, 200 + 6 * shift : 296 + 6 * shift], path)
    torch.manual_seed(0)
    save_checkpoint(Distributed(width=24), tmp_path / "joint.safetensors")
    return [*map(str, paths), "--model", str(tmp_path / "joint.safetensors")]


def test_two_pictures_two_links(pair: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = str(tmp_path / "got.png")
    main(
        ["send-pair", *pair, "--snr-db", "1", "--snr-db-right", "9", "-o", output, "--compare", "webp+ideal", "--json"]
    )
    results = json.loads(capsys.readouterr().out)
    assert [(r["view"], r["snr_db"], r["channel_uses"]) for r in results[:2]] == [("left", 1, 960), ("right", 9, 960)]
    assert read_image(tmp_path / "got-right.png").shape == (3, 64, 96)
    assert [Path(r["file"]).name for r in results[2:]] == ["got-webp+ideal-left.png", "got-webp+ideal-right.png"]


def test_an_snr_without_a_token_is_a_note(pair: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["send-pair", *pair, "--snr-db", "20", "-o", str(tmp_path / "got.png")])
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert "outside -3 to 14 dB" in captured.err
    assert "left" in captured.out


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({1: "small.png"}, "one size, not 96x64 and 40x30"),
        ({1: "nothing.png"}, "no such file"),
        ({3: "cnn-c16-awgn-10"}, "unknown model"),
        ({4: "--snr-db=nan"}, "NaN"),
        ({4: "--compare=nothing+ideal"}, "unknown codec"),
    ],
)
def test_one_line_for_whatever_goes_wrong(
    change: dict[int, str], words: str, pair: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (40, 30)).save(tmp_path / "small.png")
    arguments = [*pair, "--seed=0"]
    for place, value in change.items():
        arguments[place] = str(tmp_path / value) if value.endswith(".png") else value
    with pytest.raises(SystemExit):
        main(["send-pair", *arguments, "-o", str(tmp_path / "got.png")])
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


def test_evaluate_over_pairs(
    pair: list[str], fake_stereo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "t.parquet"
    options = ["--data", "stereo-test", "--snr-db=-2", "--right-offset-db", "inf", "-o", str(output)]
    main(["evaluate", "--system", pair[3], *options])
    assert "other_snr_db" in capsys.readouterr().out
    assert pl.read_parquet(output)["view"].to_list() == ["left", "right"] * 2


def test_half_a_pair_by_send_is_told_of_send_pair(
    pair: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["send", pair[0], *pair[2:], "-o", str(tmp_path / "got.png")])
    assert "send-pair" in capsys.readouterr().err

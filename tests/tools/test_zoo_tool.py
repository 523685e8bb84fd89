"""`tools/zoo.py`: weights go in with a card that is true, worse ones do not, and bad input gives one line."""

import sys
import tomllib
from pathlib import Path

import pytest
import torch
from PIL import Image

from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.models import Adaptive, Cnn, Distributed
from deepjscc.models.checkpoint import file_hash, load_checkpoint, save_checkpoint
from deepjscc.zoo import load

TOOLS = Path(__file__).parents[2] / "tools"
sys.path.insert(0, str(TOOLS))

import cards  # noqa: E402
import zoo as tool  # noqa: E402


@pytest.fixture
def into(tmp_path: Path) -> cards.Zoo:
    for folder in ("weights", "cards"):
        (tmp_path / "zoo" / folder).mkdir(parents=True)
    return cards.Zoo(tmp_path / "zoo")


def pictures(folder: Path, side: int, count: int = 2) -> str:
    folder.mkdir()
    draws = torch.Generator().manual_seed(0)
    for index in range(count):
        pixels = torch.randint(256, (side, side, 3), generator=draws, dtype=torch.uint8)
        Image.fromarray(pixels.numpy()).save(folder / f"{index}.png")
    return str(folder)


def stored(tmp_path: Path, model: torch.nn.Module) -> Path:
    save_checkpoint(model, tmp_path / "model.safetensors")  # type: ignore[arg-type]
    return tmp_path / "model.safetensors"


def card_of(into: cards.Zoo, name: str) -> dict:
    card = tomllib.loads((into.folder / "cards" / f"{name}.toml").read_text())
    assert card["sha256"] == file_hash(into.weights(name))
    assert load_checkpoint(into.weights(name)).kind == card["model"]
    assert card["training"] == "a test's"
    return card


def test_a_code_for_photographs(tmp_path: Path, into: cards.Zoo) -> None:
    weights = stored(tmp_path, Adaptive(width=2, latent=192, lowest_snr_db=-6.0))
    data = pictures(tmp_path / "photos", 32)
    tool.photos(weights, "mine", summary="small", training="a test's", data=data, into=into)
    card = card_of(into, "mine")
    assert card["snr_db"] == "-6 to 20"
    assert card["bandwidth_ratio"] == "up to 1/8"
    assert len(card["measured"]["psnr"]) == len(card["measured"]["snr"]) == 6
    assert card["measured"]["ratio"] == ["1/32", "1/16"]
    assert "2 images" in card["measured"]["data_set"]


def test_a_model_for_small_images(tmp_path: Path, into: cards.Zoo) -> None:
    weights = stored(tmp_path, Cnn(filters=2))
    data = pictures(tmp_path / "small", 32)
    tool.cifar10(weights, "mine", snr_db=10.0, training="a test's", data=data, into=into)
    assert card_of(into, "mine")["summary"].startswith("the original deep JSCC, convolutional form, c = 2")


def test_worse_weights_replace_nothing_unless_told_to(tmp_path: Path, into: cards.Zoo) -> None:
    name = "cnn-c16-awgn-10db"
    weights, data = stored(tmp_path, load(name)), pictures(tmp_path / "small", 32)  # as good as the zoo's, not better
    with pytest.raises(DeepJSCCError, match="nothing replaced"):
        tool.cifar10(weights, name, snr_db=10.0, training="a test's", data=data, into=into)
    assert not into.weights(name).exists()
    tool.cifar10(weights, name, snr_db=10.0, training="a test's", data=data, replace=True, into=into)
    assert card_of(into, name)["snr_db"] == "10"


def test_a_code_for_two_cameras(tmp_path: Path, into: cards.Zoo) -> None:
    weights = stored(tmp_path, Distributed(width=3))
    sides = ",".join(pictures(tmp_path / side, 104) for side in ("left", "right"))
    tool.pairs(weights, "mine", training="a test's", data=sides, into=into)
    card = card_of(into, "mine")
    assert card["cameras"] == 2
    assert len(card["measured"]["psnr_left_beside_noiseless"]) == len(card["measured"]["ms_ssim"]) == 5


@pytest.mark.parametrize("command", [tool.pairs, tool.cifar10])
def test_the_wrong_kind_of_weights_is_refused(tmp_path: Path, into: cards.Zoo, command) -> None:
    weights = stored(tmp_path, Adaptive(width=2, latent=192))
    options = {"snr_db": 10.0, "data": pictures(tmp_path / "small", 32)} if command is tool.cifar10 else {}
    with pytest.raises(UsageError, match="add it by another command"):
        command(weights, "mine", training="a test's", into=into, **options)
    assert not list((into.folder / "cards").iterdir())


def test_bad_input_gives_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    none = str(tmp_path / "none.safetensors")
    monkeypatch.setattr(sys, "argv", ["zoo.py", "pairs", none, "x", "--training", "t"])
    with pytest.raises(SystemExit, match=f"^error: {none}: no such file$"):
        tool.main()

"""Systems of a user's own file: built, counted, and refused with words that help."""

from pathlib import Path

import pytest
import torch

from deepjscc.channels import AWGN
from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.systems.names import make_system

IMAGES = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
SNR_DB = torch.tensor([10.0, 10.0])
FILE = """
import torch
from deepjscc.types import Transmission

class Copies:
    def __init__(self, uses):
        self.uses = uses

    def transmit(self, images, snr_db, *, encoder_snr_db=None, generator=None):
        uses = torch.full(images.shape[:-3], self.uses)
        return Transmission(images, uses, torch.ones(images.shape[:-3], dtype=torch.bool))

def make(channel, bandwidth_ratio=None, uses=96):
    return Copies(uses)

def nothing(channel, bandwidth_ratio=None):
    return 3

def broken(channel, bandwidth_ratio=None):
    raise RuntimeError("their mistake")
"""


@pytest.fixture
def mine(tmp_path: Path) -> str:
    path = tmp_path / "mine.py"
    path.write_text(FILE)
    return str(path)


def test_an_object_with_transmit(mine: str) -> None:
    named = make_system(f"{mine}:make", AWGN(), bandwidth_ratio=1 / 8)
    sent = named.system.transmit(IMAGES, SNR_DB)
    assert torch.equal(sent.images, IMAGES)
    assert sent.bandwidth_ratio.tolist() == [96 / 768] * 2
    assert named.weights is not None
    assert make_system(f"{mine}:make:uses=48", AWGN()).system.transmit(IMAGES, SNR_DB).channel_uses.tolist() == [48, 48]


def test_a_model_is_put_into_a_link() -> None:
    example = Path(__file__).parents[2] / "examples/own_system.py"
    sent = make_system(f"{example}:make", AWGN()).system.transmit(IMAGES, SNR_DB)
    assert sent.channel_uses.tolist() == [128, 128]  # 16 features of 4x4 reals, two to a use


def test_a_checkpoint_of_a_model_of_ones_own_is_loaded_by_a_function(tmp_path: Path) -> None:
    example, weights = Path(__file__).parents[2] / "examples/own_model.py", tmp_path / "patch.safetensors"
    own = tmp_path / "own.py"
    own.write_text(
        f"import sys\nsys.path.insert(0, {str(example.parent)!r})\n"
        "from own_model import Patch\nfrom deepjscc.models.checkpoint import load_checkpoint, save_checkpoint\n"
        f"def make(channel, bandwidth_ratio):\n    save_checkpoint(Patch(16), {str(weights)!r})\n"
        f"    return load_checkpoint({str(weights)!r}, Patch)\n"
    )
    sent = make_system(f"{own}:make", AWGN()).system.transmit(IMAGES, SNR_DB)
    assert sent.channel_uses.tolist() == [32, 32]  # 16 reals for each of four patches
    with pytest.raises(DeepJSCCError, match=r"'patch'.*--system mine.py:make"):
        make_system(str(weights), AWGN())


def test_what_cannot_be_counted_is_refused(mine: str) -> None:
    with pytest.raises(UsageError, match="positive number of complex channel uses"):
        make_system(f"{mine}:make:uses=0", AWGN()).system.transmit(IMAGES, SNR_DB)


@pytest.mark.parametrize(
    ("name", "words"),
    [("nothing", "has no method transmit"), ("absent", "has no system absent"), ("make:colour=3", "colour")],
)
def test_wrong_names(mine: str, name: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        make_system(f"{mine}:{name}", AWGN())


def test_an_error_in_the_file_is_shown_as_the_users(mine: str) -> None:
    with pytest.raises(DeepJSCCError, match=r"an error in your code.*their mistake"):
        make_system(f"{mine}:broken", AWGN())

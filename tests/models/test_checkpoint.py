"""Checkpoints hold everything, and nothing else is taken for one."""

import json
import os
import resource
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from deepjscc.errors import DeepJSCCError
from deepjscc.models import Cnn, Linear, Universal
from deepjscc.models.checkpoint import content_hash, file_hash, load_checkpoint, save_checkpoint
from deepjscc.zoo import cards, weights_hash, weights_sha256


@pytest.mark.parametrize("model", [Cnn(filters=5), Cnn(filters=8, dense_reals=100), Linear(block=4)])
def test_round_trip(tmp_path: Path, model: torch.nn.Module) -> None:
    path = tmp_path / "x.safetensors"
    save_checkpoint(model, path)
    back = load_checkpoint(path)
    assert type(back) is type(model)
    assert back.config == model.config
    assert not back.training
    for name, value in model.state_dict().items():
        assert torch.equal(back.state_dict()[name], value)


def test_half_precision_comes_back_in_single(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    save_checkpoint(Linear(block=4), path, torch.float16)
    assert load_checkpoint(path).basis.dtype == torch.float32


def test_eight_bits_come_back_within_half_a_step_and_tables_in_half_precision(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model, path = Universal(width=8, encoder_depth=1, decoder_depth=1, clean_width=4), tmp_path / "x.safetensors"
    with torch.no_grad():
        model.decoder.enter.weight[0] = 0
        model.basis.copy_(torch.randn(model.basis.shape))
    save_checkpoint(model, path, torch.int8)
    back = load_checkpoint(path).state_dict()
    for name, weight in model.named_parameters():
        if weight.dim() > 1:
            step = weight.abs().flatten(1).amax(1) / 127
            worst = (back[name] - weight).abs().flatten(1).amax(1)
            assert (worst <= 0.501 * step + 1e-30).all()
    assert torch.equal(back["basis"], model.basis.half().float())
    half = tmp_path / "half.safetensors"
    save_checkpoint(model, half, torch.float16)
    tables = sum(value.numel() for value in model.buffers())
    assert path.stat().st_size - 2 * tables < 0.7 * (half.stat().st_size - 2 * tables)


def test_hash_is_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    assert file_hash(tmp_path / "x").startswith("ba7816bf")


def _turned_round(source: Path, path: Path) -> None:
    """The same content with its header in another order, as safetensors is free to write it."""
    data = source.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header["__metadata__"] = dict(reversed(header["__metadata__"].items()))
    turned = json.dumps(dict(reversed(header.items()))).encode()
    path.write_bytes(len(turned).to_bytes(8, "little") + turned + data[8 + length :])


def test_the_hash_of_a_checkpoint_is_of_its_content(tmp_path: Path) -> None:
    torch.manual_seed(0)
    one, two = tmp_path / "one.safetensors", tmp_path / "two.safetensors"
    model = Cnn(filters=3)
    save_checkpoint(model, one)
    _turned_round(one, two)
    assert file_hash(one) != file_hash(two)
    assert content_hash(one) == content_hash(two)
    assert weights_hash(str(one)) == weights_hash(str(two)) == content_hash(one)[:12]
    for other in (model.half(), Cnn(filters=3), Cnn(filters=4)):
        save_checkpoint(other, two)
        assert content_hash(two) != content_hash(one)
    with pytest.raises(DeepJSCCError, match="no such file"):
        content_hash(tmp_path / "absent.safetensors")


def test_a_copy_of_weights_of_the_zoo_has_their_hash(tmp_path: Path) -> None:
    card = cards()["cnn-c8-awgn-10db"]
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(card.weights.read_bytes())
    assert weights_sha256(str(copy)) == card.sha256


def test_what_is_not_a_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    with pytest.raises(DeepJSCCError, match="no such file"):
        load_checkpoint(path)
    path.write_bytes(b"garbage")
    with pytest.raises(DeepJSCCError, match="not a safetensors"):
        load_checkpoint(path)
    torch.save({"weight": torch.zeros(3)}, path)  # a pickle
    with pytest.raises(DeepJSCCError, match="not a safetensors"):
        load_checkpoint(path)
    save_file({"a": torch.zeros(3)}, path)
    with pytest.raises(DeepJSCCError, match="not a checkpoint of a model"):
        load_checkpoint(path)
    save_file({"a": torch.zeros(3)}, path, {"model": "cnn", "config": '{"filters": 4}'})
    with pytest.raises(DeepJSCCError, match="do not fit"):
        load_checkpoint(path)
    save_file({"a": torch.zeros(3)}, path, {"model": "cnn", "config": '{"wings": 2}'})
    with pytest.raises(DeepJSCCError, match="do not fit"):
        load_checkpoint(path)
    save_checkpoint(Cnn(filters=4), path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DeepJSCCError):
        load_checkpoint(path)


@pytest.mark.parametrize(
    ("kind", "config", "words"),
    [
        ("cnn", {"filters": 200_000}, "do not fit"),
        ("universal", {"width": 200_000}, "do not fit"),
        ("universal", {"encoder_depth": 200_000}, "many more layers"),
        ("linear", {"block": 200_000}, "do not fit"),
        ("linear", {"classes": 10**9}, "do not fit"),
        ("linear", {"block": 10**30}, "do not fit"),
        ("cnn", {"filters": "many"}, "do not fit"),
        ("cnn", {"filters": None}, "do not fit"),
        ("linear", {"block": 0}, "do not fit"),
        ("cnn", [1, 2], "do not fit"),
        ("cnn", 3, "do not fit"),
    ],
)
def test_hostile_configs_are_bounded_by_the_file_s_own_tensors(
    tmp_path: Path, kind: str, config: object, words: str
) -> None:
    path = tmp_path / "x.safetensors"
    save_file({"a": torch.zeros(3)}, path, {"model": kind, "config": json.dumps(config)})
    clock = time.process_time()
    with pytest.raises(DeepJSCCError, match=words):
        load_checkpoint(path)
    assert time.process_time() - clock < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 3 << 20  # kB; the width alone took 3.9 GiB


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({"model": "cnn"}, "do not fit"),
        ({"model": "cnn", "config": "[" * 100_000}, "do not fit"),
        ({"model": "cnn", "config": "nonsense"}, "do not fit"),
        ({"model": "cnn", "config": " " * (1 << 21)}, "more than 1 MB"),
        ({"model": "cnn", "config": '{"filters": 1' + "0" * 5000 + "}"}, "do not fit"),
    ],
)
def test_hostile_metadata_is_one_line(tmp_path: Path, metadata: dict[str, str], words: str) -> None:
    path = tmp_path / "x.safetensors"
    save_file({"a": torch.zeros(3)}, path, metadata)
    with pytest.raises(DeepJSCCError, match=words) as caught:
        load_checkpoint(path)
    assert len(str(caught.value)) < 2000


@pytest.mark.parametrize("shape", [(2,), (1, 1 << 14), (5, 1), ()])
def test_steps_of_a_wrong_shape_are_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    path = tmp_path / "x.safetensors"
    tensors = {"a": torch.zeros(1 << 14, 1, dtype=torch.int8), "a:steps": torch.zeros(shape)}
    save_file(tensors, path, {"model": "linear", "config": "{}"})
    with pytest.raises(DeepJSCCError, match="a:steps has the shape"):
        load_checkpoint(path)


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.safetensors")
    for path in (tmp_path / "fifo.safetensors", Path("/dev/zero"), tmp_path):
        with pytest.raises(DeepJSCCError, match=r"not a regular file|Is a directory"):
            load_checkpoint(path)

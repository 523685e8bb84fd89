"""Data sets in their official formats, and what happens when they are not."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from deepjscc import fetch
from deepjscc.data import cifar10, open_data
from deepjscc.data.kodak import NAMES
from deepjscc.errors import DeepJSCCError
from deepjscc.images import write_image


def test_samples_come_with_the_wheel() -> None:
    data = open_data("samples")
    assert len(data) == 4
    assert all(data[index].shape[0] == 3 for index in range(4))


def test_folders_are_sorted_and_read_lazily(tmp_path: Path, coffee: torch.Tensor) -> None:
    (tmp_path / "b").mkdir()
    write_image(coffee[:, :4, :4], tmp_path / "b" / "1.png")
    write_image(coffee[:, :8, :8], tmp_path / "a.webp")
    (tmp_path / "notes.txt").write_text("not a picture")
    (tmp_path / "c.jpg").write_bytes(b"broken")
    data = open_data(str(tmp_path))
    assert data.names == ["a.webp", "b/1.png", "c.jpg"]
    assert data[1].shape == (3, 4, 4)
    assert data.spread(2).names == ["a.webp", "b/1.png"]
    assert data.spread(9).names == data.names
    with pytest.raises(DeepJSCCError, match=r"c\.jpg"):
        data[2]
    assert len(open_data(str(tmp_path / "a.webp"))) == 1


def test_folders_that_are_not(tmp_path: Path) -> None:
    with pytest.raises(DeepJSCCError, match="no such folder"):
        open_data(str(tmp_path / "absent"))
    with pytest.raises(DeepJSCCError, match="no pictures"):
        open_data(str(tmp_path))


def test_cifar10_is_read_whole(fake_cifar10: Path) -> None:
    data = open_data("cifar10")
    assert len(data) == 20
    raw = np.fromfile(fake_cifar10 / cifar10.FOLDER / "test_batch.bin", dtype=np.uint8).reshape(20, -1)
    assert np.array_equal(data[7].numpy().reshape(-1), raw[7, 1:])
    assert len(open_data("cifar10-train")) == 100


def test_cifar10_in_another_order_is_still_cifar10(fake_cifar10: Path) -> None:
    path = fake_cifar10 / cifar10.FOLDER / "test_batch.bin"
    records = np.fromfile(path, dtype=np.uint8).reshape(20, -1)
    records[::-1].tofile(path)
    assert len(open_data("cifar10")) == 20


def test_broken_cifar10_is_refused(fake_cifar10: Path) -> None:
    path = fake_cifar10 / cifar10.FOLDER / "test_batch.bin"
    good = path.read_bytes()
    path.write_bytes(good[:-1])
    with pytest.raises(DeepJSCCError, match="bytes instead of"):
        open_data("cifar10")
    path.write_bytes(good[:100] + bytes([good[100] ^ 1]) + good[101:])
    with pytest.raises(DeepJSCCError, match="not CIFAR-10's"):
        open_data("cifar10")
    path.unlink()
    with pytest.raises(DeepJSCCError, match="deepjscc fetch cifar10"):
        open_data("cifar10")


def test_kodak_is_checked_by_its_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPJSCC_DATA", str(tmp_path))
    with pytest.raises(DeepJSCCError, match="24 of 24"):
        open_data("kodak")
    (tmp_path / "kodak").mkdir()
    for name in NAMES:
        Image.new("RGB", (8, 8)).save(tmp_path / "kodak" / name)
    with pytest.raises(DeepJSCCError, match="not the pixels"):
        open_data("kodak")[0]


@pytest.mark.data
def test_real_sets_are_whole(real_data: Path) -> None:
    images = open_data("kodak")
    assert {tuple(images[index].shape) for index in range(24)} == {(3, 512, 768), (3, 768, 512)}
    if (real_data / cifar10.FOLDER).is_dir():
        assert len(open_data("cifar10")) == 10_000
        assert len(open_data("cifar10-train")) == 50_000


def test_downloads_are_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pooch

    source = tmp_path / "source.bin"
    source.write_bytes(b"content")

    def from_disk(url: str, known_hash: str | None, fname: str, path: Path, progressbar: bool) -> str:
        got = hashlib.sha256(source.read_bytes()).hexdigest()
        if known_hash is not None and known_hash != f"sha256:{got}":
            raise ValueError("hash of downloaded file does not match the known hash")
        path.mkdir(parents=True, exist_ok=True)
        (path / fname).write_bytes(source.read_bytes())
        return str(path / fname)

    monkeypatch.setattr(pooch, "retrieve", from_disk)
    good = "sha256:" + hashlib.sha256(b"content").hexdigest()
    assert fetch.download("https://example.org/a/x.bin", good, tmp_path / "to").read_bytes() == b"content"
    with pytest.raises(DeepJSCCError, match="hash"):
        fetch.download("https://example.org/a/x.bin", "sha256:00", tmp_path / "to")


def test_the_folder_one_is_in_names_the_set(picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(picture.parent)
    assert open_data(".").name == picture.parent.name
    assert open_data("./").name == picture.parent.name

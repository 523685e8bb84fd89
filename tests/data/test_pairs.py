"""Pairs of pictures: official folders, the paper's cut, and what a pair cannot be."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from deepjscc.data import PairSet, open_data
from deepjscc.data.pairs import find_pairs, fit_kitti, open_kitti
from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.images import write_image


def _write(folder: Path, name: str, image: torch.Tensor) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_image(image, folder / name)


def _noise(height: int, width: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (3, height, width), dtype=np.uint8))


def test_the_test_pairs(fake_stereo: Path) -> None:
    data = open_data("stereo-test")
    assert isinstance(data, PairSet)
    assert (len(data), data.names) == (2, ["000", "001"])
    assert data[1].shape == (2, 3, 104, 112)
    assert torch.equal(data[1][0, :, :, 6:], data[1][1, :, :, :-6])  # the right view is the left one, moved
    batches = list(data.spread(2).batches())
    assert [start for start, _ in batches] == [0, 1]
    assert torch.equal(batches[1][1][0], data[1].float() / 255)


def test_strangers(fake_stereo: Path) -> None:
    data, strangers = open_data("stereo-test"), open_data("stereo-strangers")
    assert torch.equal(strangers[1][0], data[1][0])
    assert torch.equal(strangers[1][1], data[0][1])


@pytest.mark.parametrize("folders", [("image_2", "image_3"), ("colored_0", "colored_1")])
def test_kittis_official_folders(folders: tuple[str, str], tmp_path: Path) -> None:
    for view, folder in enumerate(folders):
        _write(tmp_path / folder, "000001_10.png", _noise(375, 1242, view))
    test, train = open_kitti(tmp_path, "t"), open_kitti(tmp_path, "t", whole_width=True)
    assert test.names == ["000001_10"]
    assert test[0].shape == (2, 3, 128, 256)
    assert train[0].shape == (2, 3, 128, 430)


def test_the_cut_is_the_centre_resized_by_pillow() -> None:
    image = _noise(375, 1242)
    middle = image[:, 2:372, 251:991].permute(1, 2, 0).numpy()
    expected = np.asarray(Image.fromarray(middle).resize((256, 128), Image.Resampling.BILINEAR))
    assert np.array_equal(fit_kitti(image).permute(1, 2, 0).numpy(), expected)
    with pytest.raises(UsageError, match="fewer than the 740x370"):
        fit_kitti(_noise(100, 1242))


def test_any_two_folders(tmp_path: Path) -> None:
    for view in ("left", "right"):
        _write(tmp_path / view, "a.png", _noise(20, 30))
    by_name = open_data(f"{tmp_path / 'left'},{tmp_path / 'right'}")
    assert torch.equal(by_name[0], find_pairs(tmp_path)[0])


def test_what_is_no_pair(tmp_path: Path) -> None:
    with pytest.raises(DeepJSCCError, match="holds none of image_2"):
        find_pairs(tmp_path)
    with pytest.raises(DeepJSCCError, match="no stereo pairs of KITTI"):
        open_kitti(tmp_path, "t")
    _write(tmp_path / "left", "a.png", _noise(20, 30))
    with pytest.raises(DeepJSCCError, match="right: no such folder"):
        find_pairs(tmp_path)
    (tmp_path / "right").mkdir()
    with pytest.raises(DeepJSCCError, match=r"left: a\.png has no other half"):
        find_pairs(tmp_path)
    _write(tmp_path / "right", "a.png", _noise(20, 32))
    with pytest.raises(UsageError, match=r"a\.png: .* one size, not 30x20 and 32x20"):
        find_pairs(tmp_path)[0]
    for view in ("left", "right"):
        (tmp_path / view / "a.png").unlink()
    with pytest.raises(DeepJSCCError, match="no pictures"):
        find_pairs(tmp_path)

"""Rate points kept on disk: never needed, never trusted."""

from pathlib import Path

import pytest
import torch

from deepjscc import files
from deepjscc.digital.codecs import CODECS, rates
from deepjscc.digital.codecs.rates import RateStore, rates_folder


@pytest.fixture
def patch(coffee: torch.Tensor) -> torch.Tensor:
    return coffee[:, 100:132, 200:248].contiguous()


def test_a_second_run_codes_nothing(patch: torch.Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    first = [CODECS["hevc"]().encode(patch, budget) for budget in (300, 500)]
    again = CODECS["hevc"]()
    monkeypatch.setattr(again, "compress", lambda *_: pytest.fail("coded again"))
    assert [again.encode(patch, budget) for budget in (300, 500)] == first


def test_a_broken_file_is_coded_again(patch: torch.Tensor, rates_on_disk: Path) -> None:
    first = CODECS["hevc"]().encode(patch, 400)
    files = sorted(path for path in rates_on_disk.rglob("*") if path.is_file())
    assert len(files) >= 2
    whole = [path.read_bytes() for path in files]
    for number, path in enumerate(files):
        path.write_bytes((b"", whole[number][:-5], bytes(200))[number % 3])
    assert CODECS["hevc"]().encode(patch, 400) == first
    assert [path.read_bytes() for path in files] == whole


def test_nothing_fails_where_nothing_can_be_written(
    patch: torch.Tensor, rates_on_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = CODECS["hevc"]().encode(patch, 400)
    (tmp_path / "file").touch()
    for place in (tmp_path / "file" / "rates", None):
        monkeypatch.setattr(rates, "rates_folder", lambda place=place: place)
        assert CODECS["hevc"]().encode(patch, 400) == kept


def test_quick_codecs_keep_nothing(patch: torch.Tensor, rates_on_disk: Path) -> None:
    CODECS["jpeg"]().encode(patch, 1000)
    assert not rates_on_disk.exists()


def test_other_settings_are_other_rate_points(rates_on_disk: Path) -> None:
    store = RateStore("hevc", "version 1")
    store.put(b"picture", 0, 3, b"data")
    assert store.get(b"picture", 0, 3) == RateStore("hevc", "version 1").get(b"picture", 0, 3) == b"data"
    assert RateStore("hevc", "version 2").get(b"picture", 0, 3) is None
    assert store.get(b"picture", 1, 3) is store.get(b"picture", 0, 4) is store.get(b"another", 0, 3) is None


def test_the_oldest_make_room(rates_on_disk: Path) -> None:
    import os

    store = RateStore("hevc", "")
    for level in range(10):
        store.put(b"picture", 0, level, bytes(1000))
    for path in rates_on_disk.rglob("0-*"):
        age = 10 - int(path.name.removeprefix("0-"))
        os.utime(path, (1e9 - age, 1e9 - age))
    RateStore("hevc", "", max_bytes=20_000)
    assert len(list(rates_on_disk.rglob("0-*"))) == 10
    store = RateStore("hevc", "", max_bytes=5_000)
    left = [level for level in range(10) if store.get(b"picture", 0, level)]
    assert left == [7, 8, 9]


def test_the_folder_is_the_users_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert rates_folder() == tmp_path / "deepjscc" / "rates"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # the standard says to ignore those
    assert rates_folder() == Path.home() / ".cache" / "deepjscc" / "rates"

    def homeless(*_: object, **__: object) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(files, "user_cache_path", homeless)
    assert rates_folder() is None

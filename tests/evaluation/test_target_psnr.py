"""Sweeps at constant quality: a ratio for every image, and how they stand beside sweeps at one ratio."""

from pathlib import Path

import polars as pl
import pytest

from deepjscc.errors import UsageError
from deepjscc.evaluation.comparison import compare
from deepjscc.evaluation.curves import Style, curve_points
from deepjscc.evaluation.sweep import Plan, sweep
from deepjscc.evaluation.table import summarise
from deepjscc.images import write_image


@pytest.fixture
def folder(tmp_path: Path, coffee) -> Path:
    path = tmp_path / "pictures"
    path.mkdir()
    write_image(coffee[:, :128, :128], path / "a.png")
    write_image(coffee[:, 160:288, 200:328], path / "b.png")
    return path


def test_every_image_has_its_own_ratio_and_all_the_same_psnr(folder: Path, tmp_path: Path) -> None:
    plan = Plan(("linear", "webp+ideal"), str(folder), (10.0,), target_psnr_db=(30.0, 32.0))
    table = sweep(plan, tmp_path / "t.parquet")
    assert len(table) == 2 * 2 * 2
    assert table["requested_ratio"].null_count() == len(table)
    assert (table["expected_psnr_db"] - table["target_psnr_db"]).is_between(0, 0.1).all()
    assert (table["psnr_db"] - table["target_psnr_db"]).abs().max() < 0.6
    assert table.filter(system="linear", target_psnr_db=30.0)["bandwidth_ratio"].n_unique() == 2
    means = summarise(table)
    assert len(means) == 4
    assert means["within_target"].is_between(0, 1).all()
    assert sweep(plan, tmp_path / "t.parquet").equals(table)  # nothing is measured twice


def test_targets_make_a_curve_over_the_mean_ratio(folder: Path, tmp_path: Path) -> None:
    wished = sweep(
        Plan(("linear", "webp+ideal"), str(folder), (10.0,), target_psnr_db=(28.0, 32.0)), tmp_path / "t.parquet"
    )
    equal = [
        sweep(Plan(("linear",), str(folder), (10.0,), bandwidth_ratio=ratio), tmp_path / "t.parquet")
        for ratio in (1 / 12, 1 / 4)
    ]
    points = curve_points(pl.concat([wished, *equal]), Style(x="bandwidth_ratio"))
    assert points["label"].unique().sort().to_list() == [
        "linear",
        "linear, constant quality",
        "webp+ideal, constant quality",
    ]
    over, (found,) = compare(wished, "linear")
    assert (over, found.system) == ("bandwidth_ratio", "webp+ideal")


def test_a_wish_that_is_out_of_reach_names_the_image(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"a\.png: no bandwidth ratio reaches 90 dB"):
        sweep(Plan(("linear",), str(folder), (10.0,), target_psnr_db=(90.0,)), tmp_path / "t.parquet")


def test_pairs_have_no_target(fake_stereo: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not for pairs"):
        sweep(Plan(("linear",), "stereo-test", (10.0,), target_psnr_db=(30.0,)), tmp_path / "t.parquet")

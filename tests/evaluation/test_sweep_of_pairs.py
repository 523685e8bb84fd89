"""Sweeps over pairs: a row a view, each with both links' SNRs."""

from pathlib import Path

import polars as pl
import pytest
import torch

from deepjscc.channels import AWGN
from deepjscc.data import open_data
from deepjscc.evaluation.curves import plot
from deepjscc.evaluation.pair import send_pair
from deepjscc.evaluation.sweep import Plan, sweep
from deepjscc.evaluation.table import summarise
from deepjscc.images import to_picture
from deepjscc.models import Distributed
from deepjscc.models.checkpoint import save_checkpoint
from deepjscc.systems.names import make_system


@pytest.fixture
def joint(tmp_path: Path) -> str:
    torch.manual_seed(0)
    save_checkpoint(Distributed(width=24), tmp_path / "joint.safetensors")
    return str(tmp_path / "joint.safetensors")


def test_a_row_a_view(fake_stereo: Path, joint: str, tmp_path: Path) -> None:
    plan = Plan((joint, "webp+ideal"), "stereo-test", (1.0,), right_offset_db=8.0, bandwidth_ratio=20 / 384)
    table = sweep(plan, tmp_path / "t.parquet")
    assert len(table) == 2 * 2 * 2
    rows = table.filter((pl.col("system") == joint) & (pl.col("image") == "001")).sort("view")
    assert rows["view"].to_list() == ["left", "right"]
    assert rows["snr_db"].to_list() == rows["encoder_snr_db"].to_list() == [1.0, 9.0]
    assert rows["other_snr_db"].to_list() == [9.0, 1.0]
    assert rows["bandwidth_ratio"].to_list() == pytest.approx([20 / 384] * 2)
    assert rows["ms_ssim"].null_count() == 2
    assert rows["ms_ssim_window_7"].null_count() == 0
    assert len(summarise(table)) == 4
    labels = [text.get_text() for text in plot(table).axes[0].get_legend().get_texts()]
    assert any("left" in label and "other link +8 dB" in label for label in labels)


def test_no_noise_at_the_right(fake_stereo: Path, joint: str, tmp_path: Path) -> None:
    table = sweep(Plan((joint,), "stereo-test", (1.0,), right_offset_db=float("inf")), tmp_path / "t.parquet")
    assert table.filter(pl.col("view") == "left")["other_snr_db"].unique().to_list() == [float("inf")]


def test_one_pair_is_what_the_sweep_measures(fake_stereo: Path, joint: str, tmp_path: Path) -> None:
    system, pair = make_system(joint, AWGN()), open_data("stereo-test")[0]
    left, right = send_pair(to_picture(pair[0]), to_picture(pair[1]), system, (1.0, 9.0))
    assert (left.snr_db, right.snr_db) == (1.0, 9.0)
    assert left.channel_uses == right.channel_uses == 13 * 14 * 10
    again = send_pair(to_picture(pair[0]), to_picture(pair[1]), system, (1.0, 9.0))
    assert [one.psnr_db for one in again] == [left.psnr_db, right.psnr_db]

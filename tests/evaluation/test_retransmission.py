"""Second tries in sweeps and on the command line: what is counted, and what is said."""

import json
from pathlib import Path

import pytest

from deepjscc.cli import main
from deepjscc.evaluation.sweep import Plan, sweep
from deepjscc.evaluation.table import summarise
from deepjscc.images import write_image


def test_goodput_counts_what_arrived_for_all_uses(coffee, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    write_image(coffee[:, 100:148, 200:264], folder / "a.png")
    plan = Plan(
        ("webp+ideal",), str(folder), (10.0,), bandwidth_ratio=1 / 4, channel="rayleigh", repeats=12, retransmit=2
    )
    table = sweep(plan, tmp_path / "t.parquet")
    assert table["system"].unique().to_list() == ["webp+ideal, up to 3 tries"]
    assert (table["channel_uses"] == table["tries"] * (3 * 48 * 64 // 4)).all()
    (means,) = summarise(table).to_dicts()
    arrived, spent = table["delivered"].sum(), table["bandwidth_ratio"].sum()
    assert means["goodput"] == pytest.approx(arrived / spent)
    assert means["tries"] == pytest.approx(table["tries"].mean())
    once = sweep(Plan(("webp+ideal",), str(folder), (10.0,), bandwidth_ratio=1 / 4), tmp_path / "t.parquet")
    assert once["tries"].null_count() == len(once)


def test_send_tries_again_until_the_estimate_is_good_enough(
    picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["send", str(picture), "-o", str(tmp_path / "r.png"), "--model", "linear", "--channel", "rayleigh"]
    main([*command, "--snr-db", "2", "--retransmit", "6", "--enough-db", "24", "--json"])
    (result,) = json.loads(capsys.readouterr().out)
    assert result["tries"] > 1
    assert result["estimated_psnr_db"] >= 24 or result["tries"] == 7
    with pytest.raises(SystemExit):
        main([*command[:-2], "--retransmit", "2"])
    assert "slow fading" in capsys.readouterr().err

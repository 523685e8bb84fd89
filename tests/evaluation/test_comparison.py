"""Bjøntegaard deltas against closed forms and against the polynomial method of VCEG-M33, written out with numpy."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from deepjscc.cli import main
from deepjscc.errors import UsageError
from deepjscc.evaluation.comparison import compare, mean_cost, mean_difference
from deepjscc.evaluation.table import to_table, write_table

RATIOS = [1 / 24, 1 / 12, 1 / 6, 1 / 3]
SNRS = [0.0, 5.0, 10.0, 15.0]


def rows(system: str, points: list[tuple[float, float, float]], **more: Any) -> pl.DataFrame:
    """One image; points of ratio, SNR and PSNR."""
    return to_table(
        [
            {
                "system": system,
                "data_set": "d",
                "image": "a",
                "seed": 0,
                "channel": "awgn",
                "requested_ratio": ratio,
                "bandwidth_ratio": ratio,
                "snr_db": snr,
                "encoder_snr_db": snr,
                "psnr_db": psnr,
                "delivered": True,
                **more,
            }
            for ratio, snr, psnr in points
        ]
    )


def test_a_shift_of_the_quality_is_the_difference() -> None:
    base, better = [30.0, 32.0, 35.0, 37.0], [31.5, 33.5, 36.5, 38.5]
    assert mean_difference((RATIOS, base), (RATIOS, better), logarithmic=True) == pytest.approx(1.5)
    assert mean_difference((SNRS, base), (SNRS, better), logarithmic=False) == pytest.approx(1.5)


def test_a_fifth_less_bandwidth_is_a_rate_of_minus_a_fifth() -> None:
    quality = [30.0, 32.0, 35.0, 37.0]
    less = [0.8 * ratio for ratio in RATIOS]
    assert mean_cost((RATIOS, quality), (less, quality), logarithmic=True) == pytest.approx(-0.2)
    assert mean_cost((SNRS, quality), ([snr - 2 for snr in SNRS], quality), logarithmic=False) == pytest.approx(-2)


def test_smooth_curves_agree_with_cubic_polynomials() -> None:
    """VCEG-M33: fit cubics in the logarithm of the rate and integrate them over the range that both share."""
    rates = [np.array([0.02, 0.05, 0.11, 0.25]), np.array([0.03, 0.06, 0.1, 0.3])]
    quality = [28 + 4 * np.log2(rates[0] / 0.02) ** 0.9, 28.7 + 4.1 * np.log2(rates[1] / 0.02) ** 0.9]
    low, high = np.log10(0.03), np.log10(0.25)
    fits = [np.polyint(np.polyfit(np.log10(x), y, 3)) for x, y in zip(rates, quality, strict=True)]
    means = [(np.polyval(fit, high) - np.polyval(fit, low)) / (high - low) for fit in fits]
    first, second = ((x.tolist(), y.tolist()) for x, y in zip(rates, quality, strict=True))
    ours = mean_difference(first, second, logarithmic=True)
    assert ours == pytest.approx(means[1] - means[0], abs=0.05)

    low, high = max(y[0] for y in quality), min(y[-1] for y in quality)
    fits = [np.polyint(np.polyfit(y, np.log10(x), 3)) for x, y in zip(rates, quality, strict=True)]
    means = [(np.polyval(fit, high) - np.polyval(fit, low)) / (high - low) for fit in fits]
    cost = mean_cost(first, second, logarithmic=True)
    assert cost == pytest.approx(10 ** (means[1] - means[0]) - 1, abs=0.01)


def test_systems_are_compared_under_the_same_conditions() -> None:
    table = pl.concat(
        [
            rows("a", [(ratio, snr, 20 + snr / 2 + 50 * ratio) for ratio in RATIOS for snr in (0.0, 10.0)]),
            rows("b", [(ratio, snr, 21 + snr / 2 + 50 * ratio) for ratio in RATIOS for snr in (0.0, 10.0)]),
            rows("c", [(ratio, 3.0, 50.0) for ratio in RATIOS]),
        ]
    )
    over, found = compare(table, "a")
    assert over == "bandwidth_ratio"
    assert [(each.system, each.conditions) for each in found] == [("b", "at 0 dB"), ("b", "at 10 dB")]
    assert [each.quality_difference for each in found] == pytest.approx([1, 1])
    assert all(each.cost is not None and each.cost < 0 for each in found)
    over, found = compare(table, "a", x="snr_db")
    assert over == "snr_db"
    assert [each.cost for each in found if each.system == "b"] == pytest.approx([-2] * 4)
    assert {(each.points, each.cost) for each in found if each.system == "c"} == {(1, None)}


def test_curves_that_do_not_rise_have_no_cost() -> None:
    table = pl.concat(
        [
            rows("a", [(0.1, snr, 20 + snr) for snr in SNRS]),
            rows("cliff@10dB", [(0.1, snr, 30.0 if snr >= 10 else 14.0) for snr in SNRS]),
        ]
    )
    (found,) = compare(table, "a")[1]
    assert found.cost is None
    assert found.quality_difference is not None


def test_curves_without_a_common_range_have_no_difference() -> None:
    table = pl.concat(
        [rows("a", [(0.1, 0.0, 20.0), (0.1, 1.0, 21.0)]), rows("b", [(0.1, 5.0, 30.0), (0.1, 6.0, 31.0)])]
    )
    (found,) = compare(table, "a")[1]
    assert (found.low, found.quality_difference, found.cost) == (None, None, None)


def test_wrong_usage_is_named() -> None:
    table = rows("a", [(0.1, snr, 20 + snr) for snr in SNRS])
    with pytest.raises(UsageError, match="no system 'x'"):
        compare(table, "x")
    with pytest.raises(UsageError, match="a alone"):
        compare(table, "a")
    with pytest.raises(UsageError, match="no metric"):
        compare(table, "a", y="beauty")
    one = pl.concat([rows("a", [(0.1, 1.0, 20.0)]), rows("b", [(0.1, 1.0, 20.0)])])
    with pytest.raises(UsageError, match="2 points"):
        compare(one, "a")


def test_the_command_reads_several_tables(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for name, gain in (("a", 0.0), ("b", 1.0)):
        write_table(rows(name, [(0.1, snr, 20 + snr + gain) for snr in SNRS]), tmp_path / f"{name}.parquet")
    arguments = ["compare", str(tmp_path / "a.parquet"), str(tmp_path / "b.parquet"), "--reference", "a"]
    main([*arguments, "--json"])
    (result,) = json.loads(capsys.readouterr().out)
    assert result["bd_psnr_db"] == pytest.approx(1)
    assert result["snr_needed_more_db"] == pytest.approx(-1)
    main(arguments)
    assert "bd_psnr_db" in capsys.readouterr().out

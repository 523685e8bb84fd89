"""Curves: axes, labels, sizes and files that publishers take."""

import csv
import io
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from deepjscc.cli import main
from deepjscc.errors import DeepJSCCWarning, UsageError
from deepjscc.evaluation.curves import Style, curve_points, plot
from deepjscc.evaluation.report import save_figure
from deepjscc.evaluation.table import to_table, write_table


def row(system: str, snr_db: float, psnr_db: float, **more: Any) -> dict[str, Any]:
    values = {"data_set": "d", "image": "a", "seed": 0, "channel": "awgn", "bandwidth_ratio": 0.1, "delivered": True}
    values |= {"snr_db": snr_db, "encoder_snr_db": snr_db, "psnr_db": psnr_db, "requested_ratio": 0.1}
    return values | {"system": system} | more


@pytest.fixture
def table() -> pl.DataFrame:
    return to_table(
        [
            row(system, snr, 20 + snr + gain + seed, seed=seed, ms_ssim=0.5 + snr / 100, weights_hash=weights)
            for system, gain, weights in (("universal-s", 0, "aa"), ("runs/mine.safetensors", 1, "bb"))
            for snr in (0.0, 5.0, 10.0)
            for seed in (0, 2)
        ]
    )


def _labels(figure: Any) -> list[str]:
    legend = figure.legends[0] if figure.legends else figure.axes[0].get_legend()
    return [text.get_text() for text in legend.get_texts()]


def test_labels_are_names_and_can_be_changed(table: pl.DataFrame) -> None:
    assert sorted(_labels(plot(table))) == ["mine", "universal-s"]
    assert sorted(_labels(plot(table, Style(labels={"universal-s": "Ours"})))) == ["Ours", "mine"]
    with pytest.raises(UsageError, match="no system 'nobody'"):
        plot(table, Style(labels={"nobody": "x"}))


def test_two_weights_of_a_name_are_numbered_and_no_hash_is_shown() -> None:
    table = to_table([row("w", snr, snr, weights_hash=weights) for weights in ("abc", "def") for snr in (0.0, 1.0)])
    assert _labels(plot(table)) == ["w, weights 1", "w, weights 2"]


def test_what_a_transmitter_knew_is_in_the_legend() -> None:
    table = to_table(
        [
            row("s", snr, snr, encoder_snr_db=snr if plan is None else plan)
            for plan in (None, 5.0)
            for snr in (0.0, 10.0)
        ]
    )
    assert sorted(_labels(plot(table))) == ["s, SNR known", "s, planned for 5 dB"]


def test_the_point_where_a_plan_meets_its_snr_is_on_its_line() -> None:
    plan = to_table([row("s", snr, snr, encoder_snr_db=5.0) for snr in (0.0, 5.0, 10.0)])
    points = curve_points(plan, Style())
    assert points["label"].n_unique() == 1
    assert points["x"].to_list() == [0, 5, 10]
    both = pl.concat([plan, to_table([row("s", snr, snr) for snr in (0.0, 5.0, 10.0)])])
    counts = dict(curve_points(both, Style()).group_by("label").len().iter_rows())
    assert counts == {"s, SNR known": 3, "s, planned for 5 dB": 3}


def test_the_error_is_the_standard_error_over_seeds(table: pl.DataFrame) -> None:
    points = curve_points(table, Style())
    assert points["standard_error"].to_list() == pytest.approx([1.0] * 6)  # two seeds, 2 dB apart: sqrt(2) / sqrt(2)
    assert curve_points(table, Style(y="ms_ssim"))["standard_error"].to_list() == pytest.approx([0.0] * 6)
    assert any(plot(table).axes[0].collections)
    assert not list(plot(table, Style(spread="none")).axes[0].collections)


def test_any_metric_over_the_ratio() -> None:
    table = to_table(
        [
            row("s", snr, 30.0, bandwidth_ratio=ratio, requested_ratio=ratio, ms_ssim=0.9 + ratio)
            for ratio in (0.05, 0.1)
            for snr in (0.0, 10.0)
        ]
    )
    figure = plot(table, Style(x="bandwidth_ratio", y="ms_ssim", x_range=(0.0, 0.2), y_label="quality", title="T"))
    axes = figure.axes[0]
    assert _labels(figure) == ["s, at 0 dB", "s, at 10 dB"]
    assert axes.get_xlim() == (0, 0.2)
    assert (axes.get_ylabel(), axes.get_title()) == ("quality", "T")


def test_lines_differ_without_colour(table: pl.DataFrame) -> None:
    handles = plot(table).axes[0].get_legend().legend_handles
    forms = {(one.get_linestyle(), one.get_marker(), one.get_markerfacecolor() == "white") for one in handles}
    assert len(forms) == len(handles)


def test_a_legend_of_many_lines_is_below_the_axes() -> None:
    table = to_table([row(f"system-{i}", snr, snr + i) for i in range(7) for snr in (0.0, 1.0)])
    figure = plot(table, Style(width_mm=88.0))
    figure.draw_without_rendering()
    label = figure.axes[0].xaxis.label
    assert figure.legends[0].get_window_extent().y1 <= label.get_window_extent().y0 < label.get_window_extent().y1


def test_the_size_is_in_millimetres(table: pl.DataFrame) -> None:
    figure = plot(table, Style(width_mm=88.0, height_mm=60.0))
    assert figure.get_size_inches().tolist() == pytest.approx([88 / 25.4, 60 / 25.4])
    with pytest.raises(UsageError, match="30 mm"):
        Style(width_mm=3.0)


def test_points_that_are_not_finite_are_left_out(table: pl.DataFrame) -> None:
    more = pl.concat([table, to_table([row("universal-s", float("inf"), 50.0, weights_hash="aa")])])
    with pytest.warns(DeepJSCCWarning, match="one point left out"):
        assert len(curve_points(more, Style())) == 6


def test_columns_that_hold_nothing(table: pl.DataFrame) -> None:
    with pytest.raises(UsageError, match="no values of lpips"):
        plot(table, Style(y="lpips"))
    with pytest.raises(UsageError, match="no column 'beauty'"):
        Style(y="beauty")


def test_fonts_are_truetype_and_text_is_text(table: pl.DataFrame, tmp_path: Path) -> None:
    figure = plot(table)
    save_figure(figure, tmp_path / "f.pdf")
    written = (tmp_path / "f.pdf").read_bytes()
    assert b"/Type3" not in written.replace(b" ", b"")
    assert b"/CIDFontType2" in written
    save_figure(figure, tmp_path / "f.svg")
    assert ">universal-s</text>" in (tmp_path / "f.svg").read_text()


def test_pgfplots_and_csv(table: pl.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_table(table.filter(pl.col("system") == "universal-s"), tmp_path / "a.parquet")
    write_table(table.filter(pl.col("system") != "universal-s"), tmp_path / "b.parquet")
    tables = [str(tmp_path / "a.parquet"), str(tmp_path / "b.parquet")]
    main(["plot", *tables, "-o", str(tmp_path / "f.tikz"), "--width-mm", "88", "--label", "universal-s=Ours"])
    code = (tmp_path / "f.tikz").read_text()
    assert r"\begin{axis}" in code
    assert "Ours" in code
    main(["plot", *tables, "-o", str(tmp_path / "f.csv"), "--y", "ms_ssim"])
    points = list(csv.DictReader(io.StringIO((tmp_path / "f.csv").read_text())))
    assert len(points) == 6
    assert {point["label"] for point in points} == {"mine", "universal-s"}
    assert float(points[0]["y"]) == 0.5


@pytest.mark.parametrize(
    ("option", "words"),
    [(["--y-range", "3"], "LOW:HIGH"), (["--label", "Ours"], "SYSTEM=TEXT"), (["--y", "beauty"], "no column")],
)
def test_wrong_usage(table, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: list[str], words: str) -> None:
    write_table(table, tmp_path / "a.parquet")
    with pytest.raises(SystemExit) as ended:
        main(["plot", str(tmp_path / "a.parquet"), "-o", str(tmp_path / "f.svg"), *option])
    assert ended.value.code == 2
    assert words in capsys.readouterr().err

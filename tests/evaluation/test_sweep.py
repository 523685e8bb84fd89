"""Sweeps: honest rows, paired draws, and nothing done twice."""

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch

from deepjscc.errors import DeepJSCCError, DeepJSCCWarning, UsageError
from deepjscc.evaluation.curves import plot
from deepjscc.evaluation.report import save_figure, sheet
from deepjscc.evaluation.single import send_image
from deepjscc.evaluation.sweep import Plan, sweep
from deepjscc.evaluation.table import SCHEMA, read_table, summarise, to_table, write_table
from deepjscc.evaluation.unit import Prepared, Unit
from deepjscc.images import open_rgb, read_image, write_image
from deepjscc.models import Cnn
from deepjscc.systems import Link
from deepjscc.systems.names import make_system
from deepjscc.workers import Finished, Processes


@pytest.fixture
def folder(tmp_path: Path, coffee) -> Path:
    path = tmp_path / "pictures"
    path.mkdir()
    write_image(coffee[:, :64, :64], path / "a.png")
    write_image(coffee[:, 64:128, :64], path / "b.png")
    write_image(coffee[:, 100:280, :200], path / "c.png")
    return path


def _plan(folder: Path, **changes: object) -> Plan:
    options = {
        "systems": ("linear", "webp+ideal@8dB"),
        "data": str(folder),
        "snr_db": (5.0, 10.0),
        "bandwidth_ratio": 1 / 6,
    }
    return Plan(**{**options, **changes})  # type: ignore[arg-type]


def test_rows_say_everything(folder: Path, tmp_path: Path) -> None:
    table = sweep(_plan(folder), tmp_path / "t.parquet")
    assert table.columns == list(SCHEMA)
    assert len(table) == 2 * 2 * 3
    assert table.equals(read_table(tmp_path / "t.parquet"))
    row = table.row(
        by_predicate=(pl.col("system") == "linear") & (pl.col("snr_db") == 5) & (pl.col("image") == "c.png"), named=True
    )
    assert row["bandwidth_ratio"] == pytest.approx(1 / 6)
    assert row["channel_uses"] == 18000
    assert row["ms_ssim"] is not None
    assert row["container"] is None
    assert len(row["weights_hash"]) == 12
    assert (row["channel"], row["coherence"], row["csi"]) == ("awgn", None, None)
    lost = table.filter((pl.col("system") == "webp+ideal@8dB") & (pl.col("snr_db") == 5))
    assert not lost["delivered"].any()
    assert table.filter(pl.col("image") == "a.png")["ms_ssim"].null_count() == 4


def die_after(units: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a sweep measure so many units and then be killed."""
    measure, done = Prepared.measure, []

    def dies(prepared, unit):
        if len(done) == units:
            raise KeyboardInterrupt
        done.append(unit.key)
        yield from measure(prepared, unit)

    monkeypatch.setattr(Prepared, "measure", dies)


def test_a_killed_sweep_goes_on(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measure = Prepared.measure
    die_after(2, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        sweep(_plan(folder), tmp_path / "t.parquet")
    assert not (tmp_path / "t.parquet").exists()
    counted = []
    monkeypatch.setattr(Prepared, "measure", lambda prepared, unit: counted.append(unit) or measure(prepared, unit))
    table = sweep(_plan(folder), tmp_path / "t.parquet")
    assert len(counted) == 2
    fresh = sweep(_plan(folder), tmp_path / "other.parquet")
    assert table.drop("seconds").equals(fresh.drop("seconds"))
    assert not (tmp_path / "t.parquet.parts").exists()


def test_what_is_there_is_kept_and_not_done_again(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep(_plan(folder), tmp_path / "t.parquet")
    sweep(_plan(folder, snr_db=(0.0,)), tmp_path / "t.parquet")
    assert len(read_table(tmp_path / "t.parquet")) == 18
    monkeypatch.setattr(Prepared, "measure", lambda *_: pytest.fail("measured again"))
    assert len(sweep(_plan(folder), tmp_path / "t.parquet")) == 12


def meanwhile(act: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Do something after the next sweep has measured its first unit."""
    measure = Prepared.measure

    def acts(prepared: Prepared, unit: Unit) -> Iterator[dict[str, Any]]:
        monkeypatch.setattr(Prepared, "measure", measure)
        yield from measure(prepared, unit)
        act()

    monkeypatch.setattr(Prepared, "measure", acts)


@pytest.mark.parametrize("snrs", [(10.0, 15.0), (0.0, 5.0)], ids=["another", "the same"])
def test_two_sweeps_into_one_table_lose_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, snrs: tuple[float, ...]
) -> None:
    output = tmp_path / "t.parquet"
    other = _plan(folder, systems=("linear",), snr_db=snrs)
    meanwhile(lambda: sweep(other, output), monkeypatch)
    plan = _plan(folder, systems=("linear",), snr_db=(0.0, 5.0))
    assert len(sweep(plan, output)) == 6
    table = read_table(output)
    assert set(table["snr_db"]) == {0.0, 5.0, *snrs}
    assert len(table) == 3 * len({0.0, 5.0, *snrs})  # nothing twice
    assert [file.name for file in tmp_path.iterdir() if file != folder] == [output.name]


def test_slow_fading_gives_spread_over_seeds(folder: Path, tmp_path: Path) -> None:
    plan = _plan(folder, channel="rayleigh", coherence="image", csi="receiver", repeats=4, snr_db=(10.0,))
    means = summarise(sweep(plan, tmp_path / "t.parquet"))
    linear = means.row(by_predicate=pl.col("system") == "linear", named=True)
    assert linear["seeds"] == 4
    assert linear["standard_error_db"] > 0
    assert linear["channel"] == "rayleigh"


def test_small_images_go_in_batches(fake_cifar10: Path, tmp_path: Path) -> None:
    table = sweep(Plan(("linear",), "cifar10", (10.0,), bandwidth_ratio=1 / 6, images=7), tmp_path / "t.parquet")
    assert table["image"].to_list() == [f"test-{20 * index // 7:05d}" for index in range(7)]
    assert table["channel_uses"].to_list() == [512] * 7


def test_believed_snr_reaches_the_encoder(folder: Path, tmp_path: Path) -> None:
    table = sweep(_plan(folder, systems=("webp+ideal",), encoder_snr_db=8.0), tmp_path / "t.parquet")
    assert table.filter(pl.col("snr_db") == 5)["delivered"].to_list() == [False] * 3
    assert table.filter(pl.col("snr_db") == 10)["delivered"].all()
    assert set(table["encoder_snr_db"]) == {8.0}


def test_a_broken_image_is_named(folder: Path, tmp_path: Path) -> None:
    (folder / "d.png").write_bytes(b"broken")
    with pytest.raises(DeepJSCCError, match=r"d\.png"):
        sweep(_plan(folder), tmp_path / "t.parquet")


def test_summaries_are_means(tmp_path: Path) -> None:
    rows = [
        {"system": "x", "image": str(i), "seed": 0, "psnr_db": p, "delivered": True} for i, p in enumerate((20.0, 30.0))
    ]
    means = summarise(to_table(rows)).row(0, named=True)
    assert means["psnr_db"] == 25
    assert means["psnr_pooled_db"] == pytest.approx(-10 * math.log10((1e-2 + 1e-3) / 2))
    assert means["images"] == 2


def test_other_files_are_no_tables(tmp_path: Path) -> None:
    with pytest.raises(DeepJSCCError, match="no such file"):
        read_table(tmp_path / "t.parquet")
    (tmp_path / "t.parquet").write_bytes(b"garbage")
    with pytest.raises(DeepJSCCError, match="not a Parquet table"):
        read_table(tmp_path / "t.parquet")
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "t.parquet")
    with pytest.raises(DeepJSCCError, match="not a results table"):
        read_table(tmp_path / "t.parquet")


@pytest.mark.parametrize("suffix", [".svg", ".png", ".pdf"])
def test_figures_show_lines_and_losses(folder: Path, tmp_path: Path, suffix: str) -> None:
    table = sweep(_plan(folder), tmp_path / "t.parquet")
    figure = plot(table)
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert labels[0].startswith("linear")
    assert "webp+ideal@8dB" in labels[1]
    assert any("100% lost" in text.get_text() for text in figure.axes[0].texts)
    save_figure(figure, tmp_path / f"f{suffix}")
    assert (tmp_path / f"f{suffix}").stat().st_size > 1000
    save_figure(plot(table, pooled=True), tmp_path / f"f{suffix}")


def test_figures_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no rows"):
        plot(to_table([]))
    write_table(to_table([]), tmp_path / "t.parquet")
    figure = plot(
        to_table(
            [
                {
                    "system": "x",
                    "image": "a",
                    "seed": 0,
                    "psnr_db": 20.0,
                    "snr_db": 1.0,
                    "delivered": True,
                    "bandwidth_ratio": 0.1,
                }
            ]
        )
    )
    with pytest.raises(UsageError, match="suffix"):
        save_figure(figure, tmp_path / "f.nope")


def test_points_that_are_not_finite_are_left_out_with_a_word(tmp_path: Path) -> None:
    """Tables of earlier versions hold infinite PSNR, and a link without noise has no place on the axis."""
    row = {"system": "x", "image": "a", "seed": 0, "delivered": True, "bandwidth_ratio": 0.1}
    points = [(1.0, 20.0), (5.0, math.inf), (math.inf, 30.0), (9.0, 33.0)]
    table = to_table([row | {"snr_db": snr_db, "psnr_db": psnr_db} for snr_db, psnr_db in points])
    with pytest.warns(DeepJSCCWarning, match="2 points left out"):
        figure = plot(table)
    assert list(figure.axes[0].lines[0].get_xdata()) == [1, 9]


def test_a_constant_picture_does_not_hide_the_others(folder: Path, tmp_path: Path) -> None:
    """Its mean colour is all of it: even in outage a digital link delivers it exactly."""
    write_image(torch.zeros(3, 48, 64, dtype=torch.uint8), folder / "black.png")
    plan = _plan(folder, systems=("webp+ideal@60dB",), snr_db=(0.0,))
    means = summarise(sweep(plan, tmp_path / "t.parquet"))
    assert means["delivered"].item() == 0
    assert math.isfinite(means["psnr_db"].item())
    assert sweep(plan, tmp_path / "t.parquet")["psnr_db"].max() == 60


def test_sheets_have_a_picture_per_system_and_snr(folder: Path, tmp_path: Path) -> None:
    from deepjscc.channels import AWGN

    picture = open_rgb(folder / "a.png")
    systems = [make_system(name, AWGN(), bandwidth_ratio=1 / 6) for name in ("linear", "jpeg+ideal@8dB")]
    figure = sheet([[send_image(picture, system, snr) for snr in (0.0, 10.0)] for system in systems])
    assert len(figure.axes) == 4
    assert [axes.get_title() for axes in figure.axes[:2]] == ["SNR 0 dB", "SNR 10 dB"]
    assert "not delivered" in figure.axes[2].get_xlabel()
    save_figure(figure, tmp_path / "sheet.png")
    assert read_image(tmp_path / "sheet.png").shape[0] == 3


def test_large_pictures_go_in_strips_with_the_same_numbers(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from deepjscc.channels import AWGN
    from deepjscc.evaluation import single

    picture = open_rgb(folder / "c.png")
    system = make_system("linear", AWGN(), bandwidth_ratio=1 / 6)
    whole = send_image(picture, system, 7.0, seed=1)
    monkeypatch.setattr(single, "LARGE_PIXELS", 100)
    strips = send_image(picture, system, 7.0, seed=1)
    assert strips.channel_uses == whole.channel_uses
    assert strips.psnr_db == pytest.approx(whole.psnr_db, abs=1e-3)
    assert strips.ssim == pytest.approx(whole.ssim, abs=1e-4)


def test_ssim_of_a_large_picture_is_that_of_the_whole(coffee) -> None:
    from deepjscc.evaluation.single import _ssim_of_large
    from deepjscc.images import to_float, to_picture
    from deepjscc.metrics import ssim

    photo = to_float(coffee)
    darker = (0.9 * photo).clamp(0, 1)
    parts = _ssim_of_large(to_picture(photo[0]), to_picture(darker[0]))
    assert parts == pytest.approx(ssim(photo, darker).item(), abs=1e-5)


def test_settings_are_not_mixed(folder: Path, tmp_path: Path) -> None:
    """Ratios, K factors and beliefs that differ stay apart, in summaries and as lines of a figure."""
    table = tmp_path / "t.parquet"
    for ratio in (1 / 6, 1 / 3):
        sweep(_plan(folder, systems=("linear",), bandwidth_ratio=ratio), table)
    for k_factor_db in (0.0, 30.0):
        sweep(_plan(folder, systems=("linear",), channel="rician", k_factor_db=k_factor_db), table)
    sweep(_plan(folder, systems=("linear",), encoder_snr_db=20.0), table)
    means = summarise(read_table(table))
    assert len(means) == 10
    assert set(means["images"]) == {3}
    labels = [text.get_text() for text in plot(read_table(table)).axes[0].get_legend().get_texts()]
    assert len(set(labels)) == 5
    assert any("planned for 20 dB" in label for label in labels)
    assert any("K = 30 dB" in label for label in labels)


def test_images_count_once(folder: Path, tmp_path: Path) -> None:
    sweep(_plan(folder, images=1), tmp_path / "t.parquet")
    sweep(_plan(folder), tmp_path / "t.parquet")
    assert set(summarise(read_table(tmp_path / "t.parquet"))["images"]) == {3}


def test_changed_pictures_are_measured_again(folder: Path, tmp_path: Path, coffee) -> None:
    before = sweep(_plan(folder, systems=("linear",)), tmp_path / "t.parquet")
    write_image(coffee[:, 300:364, 300:364], folder / "a.png")
    after = sweep(_plan(folder, systems=("linear",)), tmp_path / "t.parquet")
    assert set(before["unit"]).isdisjoint(after["unit"])
    assert before["psnr_db"].to_list() != after["psnr_db"].to_list()


def test_equal_snrs_are_one(folder: Path, tmp_path: Path) -> None:
    assert len(sweep(_plan(folder, systems=("linear",), snr_db=(5.0, 5.0)), tmp_path / "t.parquet")) == 3


def test_another_plan_does_not_lose_the_pieces_of_the_first(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure = Prepared.measure
    die_after(3, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        sweep(_plan(folder), tmp_path / "t.parquet")
    monkeypatch.setattr(Prepared, "measure", measure)
    sweep(_plan(folder, systems=("linear",), snr_db=(1.0,)), tmp_path / "t.parquet")
    assert len(list((tmp_path / "t.parquet.parts").glob("*.parquet"))) == 3
    sweep(_plan(folder), tmp_path / "t.parquet")
    assert not (tmp_path / "t.parquet.parts").exists()


def test_tables_with_other_columns_still_serve(folder: Path, tmp_path: Path) -> None:
    table = sweep(_plan(folder), tmp_path / "t.parquet")
    odd = table.with_columns(pl.lit(1).alias("extra"), pl.col("seed").cast(pl.Int32))
    odd.write_parquet(tmp_path / "t.parquet")
    assert len(sweep(_plan(folder, snr_db=(1.0,)), tmp_path / "t.parquet")) == 6
    assert len(read_table(tmp_path / "t.parquet")) == 18


def test_processes_measure_the_same(folder: Path, tmp_path: Path) -> None:
    ours = sweep(_plan(folder), tmp_path / "here.parquet")
    theirs = sweep(_plan(folder), tmp_path / "there.parquet", workers=Processes(1))
    measured = ["psnr_db", "ssim", "ms_ssim", "seconds"]
    assert ours.drop(measured).equals(theirs.drop(measured))
    assert (ours["psnr_db"] - theirs["psnr_db"]).abs().max() < 1e-4


class DiesOver:
    """Workers that die over units of one SNR: so often, then no more."""

    def __init__(self, snr_db: float, deaths: int) -> None:
        self.snr_db, self.deaths = snr_db, deaths

    def run(self, function, tasks):
        for task in tasks:
            dies = task.unit.snr_db == self.snr_db and self.deaths > 0
            self.deaths -= dies
            yield Finished(task, None, "out of memory") if dies else Finished(task, function(task))


def test_a_unit_whose_worker_died_is_tried_once_more(folder: Path, tmp_path: Path) -> None:
    plan = _plan(folder, systems=("linear",))
    assert len(sweep(plan, tmp_path / "t.parquet", workers=DiesOver(5.0, 1))) == 6
    with pytest.raises(DeepJSCCError, match="measured linear at 5 dB died, out of memory; take fewer workers"):
        sweep(plan, tmp_path / "u.parquet", workers=DiesOver(5.0, 2))
    assert len(list((tmp_path / "u.parquet.parts").glob("*.parquet"))) == 1


def test_seconds_of_a_kept_encoding_are_counted(fake_cifar10: Path, tmp_path: Path, monkeypatch) -> None:
    """The encoder of this model ignores the SNR and runs once; each row has its time all the same."""
    encode = Link.encode

    def slowly(link: Link, images, encoder_snr_db):
        time.sleep(0.3)
        return encode(link, images, encoder_snr_db)

    monkeypatch.setattr(Link, "encode", slowly)
    table = sweep(Plan(("cnn-c8-awgn-10db",), "cifar10", (0.0, 5.0), images=2), tmp_path / "t.parquet")
    assert table["seconds"].min() >= 0.15  # half of it for each of two images


def test_encodes_once_where_the_encoder_ignores_the_snr(
    fake_cifar10: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded, encode = [], Link.encode

    def count(link: Link, images, encoder_snr_db):
        encoded.append(encoder_snr_db[0].item())
        return encode(link, images, encoder_snr_db)

    monkeypatch.setattr(Link, "encode", count)
    name, snrs = "cnn-c8-awgn-10db", (0.0, 5.0, 10.0)
    table = sweep(Plan((name,), "cifar10", snrs, images=6, repeats=2), tmp_path / "t.parquet")
    assert len(encoded) == 1
    monkeypatch.setattr(Cnn, "encoder_uses_snr", True)
    again = sweep(Plan((name,), "cifar10", snrs, images=6, repeats=2), tmp_path / "u.parquet")
    assert encoded[1:] == [0.0, 5.0, 10.0]
    assert table.drop("seconds").equals(again.drop("seconds"))
    sweep(Plan(("linear",), "cifar10", snrs, 10.0, bandwidth_ratio=1 / 6, images=6), tmp_path / "v.parquet")
    assert encoded[4:] == [10.0]
    del encoded[:]
    monkeypatch.setattr("deepjscc.data.base.BATCH", 4)  # the last batch is shorter
    sweep(Plan(("linear",), "cifar10", snrs, 10.0, bandwidth_ratio=1 / 6, images=6), tmp_path / "w.parquet")
    assert encoded == [10.0, 10.0]

"""Bulk work: every picture once, the same by any hands; what cannot be done is written down."""

import threading
import time
from pathlib import Path
from typing import Any

import fsspec
import polars as pl
import pytest
import torch

from deepjscc.bulk import run as bulk_run
from deepjscc.bulk import work as work_module
from deepjscc.bulk.job import Job, Shard
from deepjscc.bulk.run import Summary, run, settled
from deepjscc.bulk.store import Store
from deepjscc.bulk.work import work_on
from deepjscc.channels import AWGN
from deepjscc.cli import main
from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.evaluation.single import send_image
from deepjscc.images import from_picture, open_rgb, read_image, write_image
from deepjscc.radio.split import decode_image
from deepjscc.seeds import derive_seed
from deepjscc.systems.names import make_system
from deepjscc.workers import Finished, Here, Processes


@pytest.fixture
def source(tmp_path: Path, coffee: torch.Tensor) -> Path:
    folder = tmp_path / "source"
    (folder / "deep" / "er").mkdir(parents=True)
    for index in range(3):
        write_image(coffee[:, 32 * index : 32 * index + 32, :32], folder / f"small-{index}.png")
    write_image(coffee[:, :96, :128], folder / "deep" / "b.jpg")
    write_image(coffee[:, 96:192, :128], folder / "deep" / "er" / "c.webp")
    (folder / "notes.txt").write_text("no picture")
    return folder


def _job(source: Path, output: Path, **changes: object) -> Job:
    return Job(**{"source": str(source), "output": str(output), "system": "linear", "bandwidth_ratio": 1 / 8} | changes)


def _report(output: Path) -> pl.DataFrame:
    return pl.read_parquet(output / "report" / "*.parquet")


def test_each_picture_as_if_it_were_alone(source: Path, tmp_path: Path) -> None:
    summary = run(_job(source, tmp_path / "out", seed=3), Here(), shard=4)
    report = _report(tmp_path / "out")
    names = ["deep/b.jpg", "deep/er/c.webp", "small-0.png", "small-1.png", "small-2.png"]
    assert report["image"].to_list() == names
    assert (summary.images, summary.failed) == (5, 0)
    assert summary.channel_uses == report["channel_uses"].sum()
    for name, quality, uses in report.select("image", "psnr_db", "channel_uses").iter_rows():
        system = make_system("linear", AWGN(), bandwidth_ratio=1 / 8)
        alone = send_image(open_rgb(source / name), system, 10.0, seed=derive_seed(3, name))
        assert quality == pytest.approx(alone.psnr_db, abs=1e-4)
        assert uses == alone.channel_uses
        (row,) = report.filter(pl.col("image") == name).iter_rows(named=True)
        assert row["ssim"] == pytest.approx(alone.ssim, abs=1e-4)
        assert (row["snr_db"], row["encoder_snr_db"], row["seed"]) == (10.0, 10.0, 3)
        written = name if name.endswith(".png") else f"{name}.png"
        received = read_image(tmp_path / "out" / written).int()
        assert (received - from_picture(alone.picture).int()).abs().max() <= 1
    assert not list((tmp_path / "out").rglob(".*"))


def test_any_hands_and_any_shards_give_the_same(source: Path, tmp_path: Path) -> None:
    run(_job(source, tmp_path / "one"), Here(), shard=16)
    run(_job(source, tmp_path / "two"), Processes(2), shard=2)
    ours, theirs = _report(tmp_path / "one"), _report(tmp_path / "two")
    assert ours.drop("psnr_db").equals(theirs.drop("psnr_db"))
    assert (ours["psnr_db"] - theirs["psnr_db"]).abs().max() < 1e-4


def test_what_is_done_is_not_done_again(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = _job(source, tmp_path / "out")

    def stop(summary: Summary) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(job, Here(), shard=2, on_progress=stop)
    assert len(_report(tmp_path / "out")) == 2
    summary = run(job, Here(), shard=2)
    assert (summary.images, summary.done_before) == (5, 2)
    monkeypatch.setattr(work_module, "_transmit", lambda *_: pytest.fail("done again"))
    assert run(job, Here(), shard=2).done_before == 5
    with pytest.raises(UsageError, match=r"another snr_db \(10.0, not 7.0\); take another folder"):
        run(_job(source, tmp_path / "out", snr_db=7.0), Here())


def test_two_jobs_that_begin_together_do_not_mix(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second may look at the place before the first has marked it as its own."""
    started, earlier = threading.Event(), bulk_run._earlier

    def slow(output: Store) -> dict[str, Any]:
        found = earlier(output)
        started.set()
        time.sleep(0.2)
        return found

    monkeypatch.setattr(bulk_run, "_earlier", slow)
    first = threading.Thread(target=run, args=(_job(source, tmp_path / "out"), Here()))
    first.start()
    started.wait(30)
    with pytest.raises(UsageError, match="another seed"):
        run(_job(source, tmp_path / "out", seed=1), Here())
    first.join(60)
    assert len(_report(tmp_path / "out")) == 5


def test_the_same_job_twice_at_once_loses_nothing(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = _job(source, tmp_path / "out")
    inner: list[int] = []

    def again(summary: Summary) -> None:
        if not inner:
            inner.append(1)
            run(job, Here(), shard=2)

    assert run(job, Here(), shard=2, on_progress=again).images == 5
    assert sorted(_report(tmp_path / "out")["image"]) == sorted(set(_report(tmp_path / "out")["image"]))
    assert len(_report(tmp_path / "out")) == 5


def test_broken_pictures_are_recorded(source: Path, tmp_path: Path) -> None:
    (source / "empty.png").write_bytes(b"")
    (source / "words.jpg").write_text("not a picture")
    (source / "cut.png").write_bytes((source / "small-0.png").read_bytes()[:300])
    summary = run(_job(source, tmp_path / "out", suffix=None), Here())
    report = _report(tmp_path / "out")
    bad = report.filter(pl.col("error").is_not_null())
    assert bad["image"].to_list() == ["cut.png", "empty.png", "words.jpg"]
    assert bad["psnr_db"].null_count() == 3
    assert (summary.images, summary.failed) == (8, 3)
    assert summary.first_failures[2] == "words.jpg: not an image that can be read (PNG, JPEG, WebP, TIFF, AVIF)"
    assert not list((tmp_path / "out").glob("*.png"))


class Deadly:
    """Workers that die over one picture."""

    def __init__(self, name: str) -> None:
        self.name, self.sizes = name, list[int]()

    def run(self, function, tasks):
        for task in tasks:
            self.sizes.append(len(task.names))
            dies = self.name in task.names
            yield Finished(task, None, "killed by SIGKILL") if dies else Finished(task, function(task))


def test_a_worker_that_dies_costs_one_picture(source: Path, tmp_path: Path) -> None:
    workers = Deadly("small-1.png")
    summary = run(_job(source, tmp_path / "out"), workers, shard=5)
    report = _report(tmp_path / "out")
    assert workers.sizes == [5, 2, 3, 1, 2, 1, 1]
    assert report["image"].to_list() == ["deep/b.jpg", "deep/er/c.webp", *(f"small-{i}.png" for i in range(3))]
    assert report.filter(pl.col("error").is_not_null()).select("image", "error").rows() == [
        ("small-1.png", "its worker died, killed by SIGKILL")
    ]
    assert summary.failed == 1
    run(_job(source, tmp_path / "one"), Deadly("small-1.png"), shard=1)
    assert _report(tmp_path / "one").drop_nulls("error")["error"].to_list() == ["its worker died, killed by SIGKILL"]


def test_recordings_decode(source: Path, tmp_path: Path) -> None:
    run(_job(source, tmp_path / "iq", what="encode"), Here())
    report = _report(tmp_path / "iq")
    # Of a smooth small picture the mean colour alone may be sent: a few uses instead of all.
    ratios = report["bandwidth_ratio"].to_list()
    assert max(ratios) <= 1.02 / 8
    assert sum(ratio == pytest.approx(1 / 8, rel=0.02) for ratio in ratios) >= 4
    image, facts, _ = decode_image([tmp_path / "iq" / "deep" / "b.jpg.sigmf-meta"])
    assert image.shape == (3, 96, 128)
    assert facts["model"] == "linear"


def test_digital_links_go_too(source: Path, tmp_path: Path) -> None:
    run(_job(source, tmp_path / "out", system="jpeg2000+ideal@20dB"), Here())
    report = _report(tmp_path / "out")
    assert not report["delivered"].any()
    assert report["error"].null_count() == 5


def test_a_large_picture_goes_strip_by_strip(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = work_on(Shard(_job(source, tmp_path / "a"), 0, ("deep/b.jpg",)))
    monkeypatch.setattr(work_module, "LARGE_PIXELS", 1000)
    monkeypatch.setattr("deepjscc.evaluation.single.LARGE_PIXELS", 1000)
    strips = work_on(Shard(_job(source, tmp_path / "b"), 0, ("deep/b.jpg",)))
    assert strips.drop("psnr_db").equals(whole.drop("psnr_db"))
    assert strips["psnr_db"][0] == pytest.approx(whole["psnr_db"][0], abs=1e-4)


def test_buckets_are_folders(source: Path, tmp_path: Path) -> None:
    memory = fsspec.filesystem("memory")
    for path in source.rglob("*.png"):
        memory.pipe_file(f"/bucket/in/{path.name}", path.read_bytes())
    try:
        summary = run(Job("memory://bucket/in", "memory://bucket/out", system="linear", bandwidth_ratio=1 / 8), Here())
        assert summary.images == 3
        assert Store("memory://bucket/out").read("small-1.png").startswith(b"\x89PNG")
        assert len(memory.glob("/bucket/out/report/part-*.parquet")) == 1
    finally:
        memory.rm("/bucket", recursive=True)


def test_places_that_are_not(tmp_path: Path, source: Path) -> None:
    with pytest.raises(DeepJSCCError, match="no such folder"):
        run(_job(tmp_path / "nowhere", tmp_path / "out"), Here())
    (tmp_path / "empty").mkdir()
    with pytest.raises(DeepJSCCError, match="no pictures below this folder"):
        run(_job(tmp_path / "empty", tmp_path / "out"), Here())
    assert not (tmp_path / "out").exists()
    with pytest.raises(UsageError, match="bogus"):
        Store("bogus://somewhere")
    for output in (source, source / "deep" / "out"):
        with pytest.raises(UsageError, match="take another folder"):
            run(_job(source, output), Here())
    (tmp_path / "file").write_text("")
    with pytest.raises(DeepJSCCError, match="cannot be written"):
        run(_job(source, tmp_path / "file" / "out"), Here())


def test_a_measured_precision_is_kept(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = _job(source, tmp_path / "out", precision="bf16")
    run(job, Here())
    monkeypatch.setattr("deepjscc.bulk.run.measured_precision", lambda _: pytest.fail("measured again"))
    assert settled(_job(source, tmp_path / "out")).precision == "bf16"


def test_half_precision_costs_next_to_nothing(source: Path, tmp_path: Path) -> None:
    """An aim of the project: under 0.02 dB at 20 dB."""
    quality = [
        run(_job(source, tmp_path / kind, system="universal-s", snr_db=20.0, precision=kind), Here()).psnr_db
        for kind in ("fp32", "bf16")
    ]
    assert quality[1] == pytest.approx(quality[0], abs=0.02)
    assert quality[1] != quality[0]


def test_pictures_a_system_does_not_take_are_recorded(source: Path, tmp_path: Path) -> None:
    summary = run(_job(source, tmp_path / "out", system="cnn-k500-awgn-10db", bandwidth_ratio=None), Here())
    assert (summary.images, summary.failed) == (5, 2)
    assert "takes 32x32 images" in summary.first_failures[0]


def test_encoding_takes_no_options_of_a_channel(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for option in (["--encoder-snr-db", "3"], ["--channel", "rayleigh"], ["--pictures", "jpg"]):
        with pytest.raises(SystemExit) as stop:
            main(["bulk", "encode", str(source), "-o", str(tmp_path / "out"), *option])
        assert stop.value.code == 2
        assert "encode uses no channel" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_hybrid_recordings_decode_to_their_pictures(tmp_path: Path, coffee: torch.Tensor) -> None:
    (tmp_path / "source").mkdir()
    write_image(coffee[:, :96, :128], tmp_path / "source" / "a.png")
    job = _job(tmp_path / "source", tmp_path / "iq", what="encode", system="jpeg2000+ldpc-fine+hybrid")
    assert run(job, Here()).failed == 0
    (row,) = _report(tmp_path / "iq").to_dicts()
    _, report, _ = decode_image([tmp_path / "iq" / "a.png.sigmf-meta"])
    assert report["layers"].startswith("base")
    assert row["bandwidth_ratio"] == pytest.approx(1 / 8, rel=0.01)


def test_a_system_without_symbols_is_refused_before_the_work(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for system in ("jpeg2000+ldpc-fine", "jpeg2000+ideal+hybrid"):
        with pytest.raises(SystemExit):
            main(["bulk", "encode", str(source), "-o", str(tmp_path / "out"), "--system", system])
        assert "has no symbols" in capsys.readouterr().err

"""Every paper module runs, and says what it says in one form."""

import importlib.util
import json
import sys
from pathlib import Path

import polars as pl
import pytest
import torch

from deepjscc.cli import main
from deepjscc.data import DATASETS, ImageSet
from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.papers import PAPERS, Settings
from deepjscc.papers.bourtsoulatze2019.figures import HEADERS, Point, better, recipe
from deepjscc.papers.kurka2019 import models as kurka
from deepjscc.papers.three_approaches import figures as three_approaches
from deepjscc.papers.three_approaches import further, receivers
from deepjscc.papers.wang2022 import figures as wang2022
from deepjscc.papers.wang2022 import measurements as wang2022_measurements
from deepjscc.papers.wang2022.figures import gains, rises, upper_bound, views_alike
from deepjscc.papers.wang2022.measurements import ViewMeasurements
from deepjscc.training.build import build_link


@pytest.fixture
def small_kodak(coffee: torch.Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two small pictures, taken for the real set."""
    pictures = [coffee[:, :176, :176].contiguous()] + [coffee[:, 200:376, 300:476].contiguous()] * 23
    names = [f"kodim{number:02d}" for number in range(1, 25)]
    monkeypatch.setitem(DATASETS, "kodak", lambda: ImageSet("kodak", names, pictures.__getitem__))
    monkeypatch.setattr(receivers, "SAMPLING_STEPS", (1, 2))
    monkeypatch.setattr(receivers, "TIMES", 1)
    monkeypatch.setattr(three_approaches, "TESTED_AT", (-5.0, 0.0, 5.0, 10.0, 20.0, 25.0))
    monkeypatch.setattr(further, "RATIOS", (1 / 16, 1 / 8))


@pytest.fixture
def two_snrs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ends of the pairs' curves: a paper's whole grid takes a minute."""
    for module in (wang2022, wang2022_measurements):
        monkeypatch.setattr(module, "SNRS", (-2.0, 12.0))


@pytest.mark.usefixtures("two_snrs", "small_kodak")
@pytest.mark.parametrize("name", PAPERS)
def test_every_paper_makes_claims_and_figures(name: str, fake_cifar10: Path, fake_stereo: Path, tmp_path: Path) -> None:
    images = 1 if name == "three-approaches" else 4  # its pictures are large
    report = PAPERS[name].run(Settings(tmp_path / "out", images, repeats=2))
    assert all(claim.claim and claim.paper and claim.ours for claim in report.claims)
    assert len(report.figures) >= 2
    assert all(Path(figure).stat().st_size > 1000 for figure in report.figures)


@pytest.mark.parametrize(("package", "words"), [("sionna", "digital"), ("diffusers.models.unets.unet_2d", "diffusion")])
def test_a_missing_extra_is_named_before_the_work(
    package: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *of: None if name == package else real(name, *of))
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(DeepJSCCError, match=rf"pip install 'deepjscc\[{words}\]'"):
        three_approaches.run(Settings(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_the_command_prints_one_form(fake_cifar10: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["papers", "bourtsoulatze2019", "-o", str(tmp_path), "--images", "2", "--repeats", "1", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert set(report) == {"claims", "figures"}
    assert set(report["claims"][0]) == {"claim", "paper", "ours", "verdict"}
    main(["papers"])
    assert "bourtsoulatze2019" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["papers", "nobody2020"])


def test_verdicts_follow_the_numbers() -> None:
    def point(margin: float, error: float = 0.1) -> Point:
        return Point(512, 10.0, {}, dict.fromkeys(HEADERS.values(), (margin, error)))

    assert [claim.verdict for claim in better([point(1.0)], "c", "p")] == ["holds", "holds"]
    both = better([point(1.0), point(-1.0)], "c", "p")
    assert [claim.verdict for claim in both] == ["does not hold", "does not hold"]
    assert "not better by 2 standard errors at 10 dB and 512 complex uses" in both[0].ours
    assert "-1.00 +- 0.10" in both[0].ours
    assert better([point(1.0), point(-0.52, 0.78)], "c", "p")[0].verdict == "undecided"
    assert better([point(-1.0), point(1.0)], "c", "p", except_snr_db=10.0)[0].verdict == "no verdict"
    assert better([], "c", "p")[0].verdict == "no verdict"


def test_recipes_of_progressive_models_are_sound() -> None:
    for scheme, start in (
        ("multiple_decoders", kurka.START["awgn"]),
        ("single_decoder", [kurka.START["awgn"], "cnn-c8-awgn-13db"]),
        ("residual", ["cnn-c8-awgn-13db"]),
    ):
        link = build_link(kurka.recipe(scheme, {"stages": 2, "filters": 8}, "awgn", 13.0, start))
        assert link.model.kind == scheme
    with pytest.raises(UsageError, match="trains its last stage alone"):
        build_link(kurka.recipe("residual", {"stages": 2}, "awgn", 13.0, []))
    for config in ({"stages": 3, "filters": 8}, {"stages": 2, "filters": 4}):  # a stage, or half of each, untrained
        with pytest.raises(UsageError, match="must name earlier ones of this form"):
            build_link(kurka.recipe("residual", dict(config), "awgn", 13.0, "cnn-c8-awgn-13db"))


def test_recipes_of_missing_points_are_sound() -> None:
    for channel in ("awgn", "rayleigh"):
        link = build_link(recipe(6, channel, 0.0))
        assert link.model.config["filters"] == 6
        assert link.channel.csi == ("none" if channel == "rayleigh" else None)


def test_differences_of_pairs_are_paired() -> None:
    def rows(gain: float) -> ViewMeasurements:
        values = [
            {
                "image": f"{i}",
                "view": view,
                "snr_db": snr,
                "seed": 0,
                "psnr_db": 20.0 + i + gain * (1 + i % 2) * (1 + snr),
            }
            for i in range(4)
            for view in ("left", "right")
            for snr in (0.0, 1.0)
        ]
        return ViewMeasurements(pl.DataFrame(values))

    (at_0, error_0), (at_1, error_1) = rows(0.5).minus(rows(0.0), "psnr_db")
    assert (at_0, at_1) == pytest.approx((0.75, 1.5))  # of 0.5, 1, 0.5, 1
    assert (error_0, error_1) == pytest.approx((0.2887 / 2, 0.2887), abs=1e-3)  # their deviation, 0.289, over sqrt(4)
    better, worse = gains(rows(0.5), rows(0.0), "psnr_db", ""), gains(rows(0.0), rows(0.5), "psnr_db", "")
    assert (better.verdict, worse.verdict) == ("holds", "does not hold")
    assert gains(None, rows(0.0), "psnr_db", "").verdict == "no verdict"
    assert upper_bound(rows(0.5), rows(0.0), "psnr_db").verdict == "holds"
    assert views_alike(rows(0.0)).verdict == "holds"
    assert rises([rows(0.0), rows(0.1), rows(0.2), rows(0.3)], "psnr_db").verdict == "holds"
    assert rises([rows(0.0), rows(0.2), rows(0.1), rows(0.3)], "psnr_db").verdict == "does not hold"

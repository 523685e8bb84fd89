"""Every paper module runs, and says what it says in one form."""

import json
from pathlib import Path

import pytest

from deepjscc.cli import main
from deepjscc.papers import PAPERS, Settings, bourtsoulatze2019
from deepjscc.papers.bourtsoulatze2019 import DIGITAL, recipe
from deepjscc.training.build import build_link


@pytest.mark.parametrize("name", PAPERS)
def test_every_paper_makes_claims_and_figures(name: str, fake_cifar10: Path, tmp_path: Path) -> None:
    report = PAPERS[name](Settings(tmp_path / "out", images=4, repeats=2))
    assert all(claim.claim and claim.paper and claim.ours for claim in report.claims)
    assert len(report.figures) >= 2
    assert all(Path(figure).stat().st_size > 1000 for figure in report.figures)


def test_the_command_prints_one_form(fake_cifar10: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["papers", "bourtsoulatze2019", "-o", str(tmp_path), "--images", "2", "--repeats", "1", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert set(report) == {"claims", "figures"}
    assert set(report["claims"][0]) == {"claim", "paper", "ours", "holds"}
    main(["papers"])
    assert "bourtsoulatze2019" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["papers", "nobody2020"])


def test_verdicts_follow_the_numbers() -> None:
    row = {"snr_db": 10.0, "complex_uses": 512, "cnn": 30.0}
    better = row | {f"{system} headers free": 29.0 for system in DIGITAL}
    worse = row | {f"{system} headers free": 31.0 for system in DIGITAL}
    verdict = bourtsoulatze2019._better
    assert verdict([better], "headers free", "c", "p").holds is True
    assert verdict([better, worse], "headers free", "c", "p").holds is False
    assert "10 dB, 512 complex uses: -1.00" in verdict([better, worse], "headers free", "c", "p").ours
    assert verdict([], "headers free", "c", "p").holds is None


def test_recipes_of_missing_points_are_sound() -> None:
    for channel in ("awgn", "rayleigh"):
        link = build_link(recipe(6, channel, 0.0))
        assert link.model.config["filters"] == 6
        assert link.channel.csi == ("none" if channel == "rayleigh" else None)

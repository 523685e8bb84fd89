"""`--psnr-db` and `--target-psnr-db`: what they choose, say, and refuse."""

import json
from pathlib import Path

import pytest

from deepjscc.cli import main


def test_send_says_the_ratio_and_the_psnr_it_expects(
    picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["send", str(picture), "-o", str(tmp_path / "r.png"), "--psnr-db", "28", "--model", "linear", "--json"])
    printed = capsys.readouterr()
    (result,) = json.loads(printed.out)
    assert result["psnr_db"] == pytest.approx(28, abs=0.5)
    assert f"bandwidth ratio {result['bandwidth_ratio']:.4f} chosen, 28.0" in printed.err
    assert "dB expected" in printed.err


def test_a_digital_link_needs_no_ratio_beside_a_psnr(picture: Path, tmp_path: Path) -> None:
    main(["send", str(picture), "-o", str(tmp_path / "r.png"), "--psnr-db", "30", "--model", "webp+ideal"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--psnr-db", "99", "--model", "linear"], "no bandwidth ratio reaches 99 dB at this SNR; the best is"),
        (["--psnr-db", "30", "--bandwidth-ratio", "1/8"], "leave one of the two out"),
        (["--psnr-db", "inf"], "is no PSNR in dB"),
        (["--psnr-db", "30,31"], "one PSNR in dB is wanted"),
        (["--psnr-db", "much"], "is no PSNR in dB"),
        (["--psnr-db", "30", "--channel", "rayleigh", "--model", "linear"], "no fading"),
        (["--psnr-db", "30", "--encoder-snr-db", "10±3", "--model", "linear"], "no range of SNRs"),
        (["--psnr-db", "30", "--model", "cnn-c16-awgn-10db"], "cannot tell what quality to expect"),
    ],
)
def test_what_cannot_be_reached_is_refused_in_one_line(
    picture: Path, tmp_path: Path, options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["send", str(picture), "-o", str(tmp_path / "r.png"), *options])
    error = capsys.readouterr().err.strip()
    assert said in error
    assert len(error.splitlines()) == 1

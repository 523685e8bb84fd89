"""A recorded waveform through a channel: levels, the whole way by commands, and invalid input."""

import json
from pathlib import Path

import numpy as np
import pytest
from radio_frames import PULSE, a_frame, gaussian, receive_one

from deepjscc.cli import main
from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.radio.impairments import Impairments
from deepjscc.radio.noisy_recording import (
    impair_recording,
    impulse_response,
    is_waveform,
    parse_echo,
    signal_level,
)


def test_the_snr_is_that_of_the_frames_whatever_the_silence(tmp_path: Path) -> None:
    samples, symbols = a_frame()
    samples = np.pad(0.1 * samples, 30_000).astype(np.complex64)
    assert signal_level(samples) == pytest.approx(0.1, rel=0.03)
    samples.tofile(tmp_path / "a.cf32")
    report = impair_recording(
        tmp_path / "a.cf32", tmp_path / "b.cf32", Impairments(12.0, 0.002), PULSE, np.random.default_rng(0)
    )
    assert report["samples"] == len(samples)
    frame, _ = receive_one(np.fromfile(tmp_path / "b.cf32", np.complex64))
    error = np.mean(np.abs(frame.all_symbols()[0] - symbols) ** 2)
    assert 10 * np.log10(error) == pytest.approx(-12, abs=0.5)
    assert frame.cfo == pytest.approx(0.002, abs=1e-5)


def test_a_picture_by_commands(capsys: pytest.CaptureFixture[str], picture: Path, tmp_path: Path) -> None:
    sent, received = tmp_path / "sent.sigmf-meta", tmp_path / "received.sigmf-meta"
    main(["tx", str(picture), "--to", str(sent), "--model", "linear"])
    assert is_waveform(sent)
    impairments = ["--cfo", "0.003", "--delay", "2.5", "--echo", "9:-8:90", "--dc-db", "-10", "--iq-gain-db", "1"]
    main(["channel", str(sent), "-o", str(received), "--snr-db", "15", *impairments, "--json"])
    assert json.loads(capsys.readouterr().out)["snr_db"] == 15
    main(["rx", "--from", str(received), "-o", str(tmp_path / "pictures"), "--json"])
    report = json.loads(capsys.readouterr().out)
    assert report["status"] == "ok"
    assert report["cfo"] == pytest.approx(0.003, abs=1e-4)
    main(["channel", str(sent), "-o", str(tmp_path / "again"), "--snr-db", "15"])
    assert (tmp_path / "again.sigmf-data").exists()


def test_recordings_of_symbols_are_told_apart(
    capsys: pytest.CaptureFixture[str], picture: Path, tmp_path: Path
) -> None:
    main(["encode", str(picture), "-o", str(tmp_path / "symbols"), "--model", "linear", "--snr-db", "10"])
    assert not is_waveform(tmp_path / "symbols")
    main(["channel", str(tmp_path / "symbols"), "-o", str(tmp_path / "noisy"), "--snr-db", "10"])
    for arguments, line in (
        (["symbols", "--cfo", "0.1"], "--cfo: these options are for radio signals"),
        (["a.cf32", "--channel", "rayleigh"], "takes no option of a symbol channel"),
        (["a.cf32", "--echo", "x"], "not an echo"),
    ):
        gaussian(10).tofile(tmp_path / "a.cf32")
        capsys.readouterr()
        with pytest.raises(SystemExit):
            main(["channel", str(tmp_path / arguments[0]), *arguments[1:], "-o", str(tmp_path / "x"), "--snr-db", "10"])
        assert line in capsys.readouterr().err
        assert not (tmp_path / "x.sigmf-meta").exists()


def test_echoes_as_text() -> None:
    assert parse_echo("9:-20") == (9, pytest.approx(0.1))
    assert parse_echo("3:0:90") == (3, pytest.approx(1j))
    assert impulse_response([(2, 0.5j), (2, 0.5 + 0j)]) == (1, 0, 0.5 + 0.5j)
    assert impulse_response([]) == (1,)
    for wrong in ("", "9", "0:-3", "-1:-3", "9:-3:1:1", "9:nan", "1e9:0", "99999:0"):
        with pytest.raises(UsageError, match="not an echo"):
            parse_echo(wrong)


def test_silence_has_no_level(tmp_path: Path) -> None:
    np.zeros(1000, np.complex64).tofile(tmp_path / "a.cf32")
    with pytest.raises(DeepJSCCError, match="silence only"):
        impair_recording(tmp_path / "a.cf32", tmp_path / "b", Impairments(), PULSE, np.random.default_rng(0))
    assert not list(tmp_path.glob("b*"))

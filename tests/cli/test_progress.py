"""Progress where standard error is no terminal: lines now and then."""

import time

import pytest

from deepjscc.cli import common


def test_lines_come_while_one_step_takes_long(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(common, "SECONDS_BETWEEN_LINES", 0.02)
    with common.progress() as on_progress:
        on_progress(3, 12, "linear at 5 dB")
        time.sleep(0.2)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) > 1
    assert all(line.startswith("deepjscc: linear at 5 dB: 3 of 12 after ") for line in lines)


def test_a_quick_command_prints_none(capsys: pytest.CaptureFixture[str]) -> None:
    with common.progress() as on_progress:
        on_progress(1, 1, "x")
    assert not capsys.readouterr().err


@pytest.mark.parametrize(
    ("done", "total", "line"),
    [
        (3, 12, "x: 3 of 12 after 30 s, about 90 s left"),
        (0, 12, "x: 0 of 12 after 30 s"),
        (12, 12, "x: 12 of 12 after 30 s"),
        (7, None, "x: 7 after 30 s"),
    ],
)
def test_a_line_says_how_long_the_rest_takes(done: int, total: int | None, line: str) -> None:
    assert common.progress_line(done, total, "x", 30.0) == line

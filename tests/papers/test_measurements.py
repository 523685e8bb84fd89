"""Progress through all parts of a paper."""

from pathlib import Path

import pytest

from deepjscc.papers.measurements import OverallProgress, Settings, run_parts


def test_progress_goes_on_through_all_parts() -> None:
    time_s, told = [0.0], list[int]()
    progress = OverallProgress(lambda done, total, label: told.append(done), (10, 30), lambda: time_s[0])
    for time_s[0] in (0.0, 10.0, 19.0):  # twice as slow as expected
        progress.tell(1, 2, "a")
    time_s[0] = 20.0
    progress.finish_part()
    for time_s[0] in (20.0, 50.0, 500.0):
        progress.tell(1, 2, "b")
    assert told == sorted(told)
    assert told[3] == 250
    assert told[4] == 625  # half of the 60 s that the second part takes at this pace
    assert told[5] < 1000


def test_parts_report_one_progress(tmp_path: Path) -> None:
    labels = list[str]()

    def part(settings: Settings) -> tuple[list, list]:
        settings.on_progress(1, 4, "cnn at 0 dB")
        return [], []

    run_parts(Settings(tmp_path, on_progress=lambda done, total, label: labels.append(label)), {part: 5})
    assert labels == [pytest.approx("part 1 of 1, cnn at 0 dB, 1 of 4; in all, thousandths")]

"""Threads: the environment is set before OpenMP reads it, and their number follows what the machine has free."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from deepjscc import threads
from deepjscc.cli import main
from deepjscc.threads import side_by_side, usable_cores

BARE = {name: value for name, value in os.environ.items() if name not in {*threads.PASSIVE, "OMP_NUM_THREADS"}}


def _python(code: str, **more: str) -> str:
    return subprocess.check_output([sys.executable, "-c", code], text=True, env=BARE | more).strip()


def test_the_package_sets_the_passive_policy_for_itself_and_its_children() -> None:
    code = "import deepjscc, os; print(os.environ['OMP_WAIT_POLICY'], os.environ['GOMP_SPINCOUNT'])"
    assert _python(code) == "PASSIVE 0"


def test_openmp_has_read_the_policy_when_torch_is_loaded() -> None:
    """OMP_DISPLAY_ENV has the OpenMP library itself print what it works with."""
    code = "import deepjscc, torch; torch.zeros(1)"
    shown = subprocess.run(
        [sys.executable, "-c", code], env=BARE | {"OMP_DISPLAY_ENV": "VERBOSE"}, capture_output=True, text=True
    ).stderr
    if "OMP_WAIT_POLICY" not in shown:
        pytest.skip("this build of torch has no OpenMP that displays its environment")
    assert "OMP_WAIT_POLICY = 'PASSIVE'" in shown
    assert "GOMP_SPINCOUNT = '0'" in shown or "GOMP" not in shown


def test_a_value_of_the_user_stays() -> None:
    code = "import deepjscc, os; print(os.environ['OMP_WAIT_POLICY'])"
    assert _python(code, OMP_WAIT_POLICY="ACTIVE") == "ACTIVE"


def test_usable_cores_are_those_of_the_affinity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 3, 5}, raising=False)
    monkeypatch.setattr(threads, "_quota", lambda: None)
    assert threads.usable_cores() == 3
    monkeypatch.setattr(threads, "_quota", lambda: 2)
    assert threads.usable_cores() == 2


@pytest.mark.parametrize(("busy", "free"), [(0.0, 4), (0.4, 4), (1.0, 3), (2.1, 2), (4.0, 1), (9.0, 1)])
def test_free_cores_are_what_others_leave(monkeypatch: pytest.MonkeyPatch, busy: float, free: int) -> None:
    monkeypatch.setattr(threads, "usable_cores", lambda: 4)
    monkeypatch.setattr(threads, "_busy_cores", lambda: busy)
    assert threads.free_cores() == free


def test_busy_cores_come_from_the_ticks_of_the_usable_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter([(100, 200), (110, 220)])  # idle for 10 of 20 ticks
    monkeypatch.setattr(threads, "_ticks", lambda: next(ticks))
    monkeypatch.setattr(threads, "usable_cores", lambda: 2)
    assert threads._busy_cores() == 1.0


def test_ticks_leave_out_other_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    stat = "cpu  9 9 9 9 9 9 9 9 0 0\ncpu0 1 2 3 40 5 6 7 8 0 0\ncpu1 100 0 0 0 0 0 0 0 0 0\nintr 7\n"
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0}, raising=False)
    monkeypatch.setattr(Path, "read_text", lambda _: stat)
    assert threads._ticks() == (45, 72)


def _threads_of_a_command(monkeypatch: pytest.MonkeyPatch, arguments: list[str], given: str | None) -> str | None:
    """OMP_NUM_THREADS as a command found it."""
    found = []
    monkeypatch.setattr("deepjscc.threads.free_cores", lambda: 7)
    monkeypatch.setattr("deepjscc.threads.limit_threads", lambda count: found.append(str(count)))
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if given is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", given)
    main(arguments)
    return found[0] if found else None


@pytest.mark.parametrize(
    ("arguments", "given", "limit"),
    [
        (["papers"], None, "7"),
        (["papers", "--threads", "2"], None, "2"),
        (["--threads", "2", "papers"], "3", "2"),
        (["papers"], "3", None),
        (["models", "--json"], None, None),  # it computes nothing
    ],
)
def test_commands_take_the_threads_that_are_free(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, arguments: list[str], given: str, limit: str
) -> None:
    assert _threads_of_a_command(monkeypatch, arguments, given) == limit


def test_no_threads_is_wrong_usage(capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["papers", "--threads", "0"])
    assert ended.value.code == 2
    assert "--threads must be at least 1" in capsys.readouterr().err


def test_help_of_a_command_names_the_option(capsys: pytest.CaptureFixture) -> None:
    main(["evaluate", "--help"])
    assert "--threads" in capsys.readouterr().out


def test_tasks_run_side_by_side_and_errors_come_through() -> None:
    barrier = threading.Barrier(2, timeout=20)  # each waits for the other: in turn they would never end
    if usable_cores() > 1:
        assert len(side_by_side(barrier.wait, barrier.wait)) == 2
    assert side_by_side(lambda: 1) == (1,)
    assert side_by_side() == ()
    assert side_by_side(lambda: 1, lambda: "two", lambda: None) == (1, "two", None)
    with pytest.raises(ZeroDivisionError):
        side_by_side(lambda: 1, lambda: 1 // 0)

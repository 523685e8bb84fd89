"""Grids: every combination, resumed, failures named."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from deepjscc.cli import main
from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.images import write_image
from deepjscc.models.checkpoint import load_checkpoint
from deepjscc.training.grid import read_grid, run_grid
from deepjscc.workers import Finished, Here

RECIPES = Path(__file__).parents[2] / "recipes"


@pytest.fixture
def grid(tmp_path: Path, coffee) -> Path:
    (tmp_path / "crops").mkdir()
    for index in range(8):
        write_image(coffee[:, :32, 32 * index : 32 * index + 32], tmp_path / "crops" / f"{index}.png")
    (tmp_path / "r.toml").write_text(
        f'[model]\nname = "cnn"\n[data]\ntrain = "{tmp_path / "crops"}"\n'
        '[optimiser]\nbatch = 4\nepochs = 2\nprecision = "fp32"\n'
    )
    path = tmp_path / "g.toml"
    path.write_text('recipe = "r.toml"\nname = "c{filters}"\n[axes]\n"model.config.filters" = [2, 3]\n')
    return path


def test_the_grids_of_the_repository_are_sound() -> None:
    names = [training.name for training in read_grid(RECIPES / "bourtsoulatze2019-awgn-cpu.toml")]
    assert len(names) == 15
    assert "cnn-c16-awgn-0db" in names


def test_every_combination_is_trained_and_the_finished_are_left_alone(grid: Path, tmp_path: Path, capsys) -> None:
    main(["grid", str(grid), "-o", str(tmp_path / "out"), "--jobs", "2"])
    assert "c2" in capsys.readouterr().out
    for filters in (2, 3):
        assert load_checkpoint(tmp_path / "out" / f"c{filters}.safetensors").config["filters"] == filters
    before = (tmp_path / "out" / "c2.safetensors").stat().st_mtime_ns
    assert run_grid(read_grid(grid)[:1], tmp_path / "out", Here(), 1) == {"c2": 0}
    assert (tmp_path / "out" / "c2.safetensors").stat().st_mtime_ns == before


def test_failures_are_named(grid: Path, tmp_path: Path, capsys) -> None:
    (tmp_path / "crops" / "0.png").write_bytes(b"broken")
    trainings = read_grid(grid)[:1]
    assert run_grid(trainings, tmp_path / "out", Here(), 1) == {"c2": 1}
    assert "0.png" in (tmp_path / "out" / "c2.log").read_text()


def test_several_recipes(grid: Path) -> None:
    (grid.parent / "s.toml").write_text((grid.parent / "r.toml").read_text())
    grid.write_text(grid.read_text().replace('"r.toml"', '["r.toml", "s.toml"]').replace("c{f", "{recipe}-c{f"))
    assert [training.name for training in read_grid(grid)] == ["r-c2", "r-c3", "s-c2", "s-c3"]


def test_a_training_ends_with_its_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sleeper = tmp_path / "sleeper.py"
    sleeper.write_text(
        "import os, pathlib, time\npathlib.Path(__file__).with_suffix('.pid').write_text(str(os.getpid()))\n"
        "time.sleep(60)\n"
    )
    worker = tmp_path / "worker.py"
    worker.write_text(
        "import sys, pathlib\nfrom deepjscc.training.grid import Training, TrainingTask, run_training\n"
        f"Training.command = lambda self, output: [sys.executable, {str(sleeper)!r}]\n"
        f"here = pathlib.Path({str(tmp_path)!r})\n"
        "run_training(TrainingTask(Training('t', here, (), None), here, 1))\n"
    )
    process = subprocess.Popen([sys.executable, str(worker)])
    pid_file = tmp_path / "sleeper.pid"
    while not (pid_file.is_file() and pid_file.read_text()):
        time.sleep(0.05)
        assert process.poll() is None
    process.kill()
    process.wait()
    deadline = time.monotonic() + 5
    while Path(f"/proc/{pid_file.read_text()}/status").is_file() and time.monotonic() < deadline:
        if "zombie" in Path(f"/proc/{pid_file.read_text()}/status").read_text():
            return
        time.sleep(0.05)
    assert time.monotonic() < deadline, "the training outlived its worker"


class Dies:
    """A worker that dies."""

    def run(self, function, tasks):
        for task in tasks:
            yield Finished(task, None, "out of memory")


def test_a_worker_that_died_is_named(grid: Path, tmp_path: Path) -> None:
    with pytest.raises(DeepJSCCError, match="the worker that trained c2 died, out of memory; run this again to go on"):
        run_grid(read_grid(grid), tmp_path / "out", Dies(), 1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("c{filters}", "c{snr_db}"), "no axis"),
        (("c{filters}", "same"), "tell the trainings apart"),
        (("axes", "axis"), "unknown key"),
        (("[2, 3]", "[]"), "has no values"),
        (("[2, 3]", '["two"]'), "does not take|must be"),
        (("r.toml", "absent.toml"), "no such recipe"),
        (("recipe =", "recipe"), "not TOML"),
    ],
)
def test_wrong_grids_are_named(grid: Path, change: tuple[str, str], words: str) -> None:
    grid.write_text(grid.read_text().replace(*change))
    with pytest.raises((UsageError, DeepJSCCError), match=words):
        read_grid(grid)

"""What the README and the how-to pages promise works: each command runs here in small, or a named test runs it."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image

from deepjscc.cli import main

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/howto/*.md"))]

# What is too slow or needs too much for this file, by a pattern of the command, and the file that tests it.
ELSEWHERE = {
    r"serve": "web/test_page.py",
    r"train ": "cli/test_cli.py",
    r"papers ": "papers/test_papers.py",
    r"(tx|rx) ": "radio/test_streams.py",
    r"export |decode sent -o got.png": "export/test_export.py",
    r"grid ": "training/test_grid.py",
    r"fetch ": "data/test_data.py",
    r"bulk .*--cluster|.*--address": "workers/test_cluster.py",  # itself slow: it starts a Ray cluster
    r"bulk ": "bulk/test_bulk.py",
    r".*\+ldpc": "digital/test_ldpc.py",
    r"channel .*--(cfo|delay|echo|dc-db)": "radio/test_noisy_recording.py",
    r".*--channel tdl": "channels/test_ofdm.py",
    r".*--workers": "evaluation/test_sweep.py",
}

# What makes the others small: fewer SNRs, repeats and pictures, a folder for a large set, a fast codec for a slow one.
SMALLER = [
    (r"--snr-db[= ]-?\d\S*[:,]\S+", "--snr-db=3,6"),
    (r"--repeats \d+", "--repeats 1"),
    (r"--images \d+", "--images 1"),
    (r"--data (kodak|cifar10|samples|my/pictures)", "--data small"),
    (r"hevc", "webp"),
]


def _commands(page: Path) -> list[str]:
    text = re.sub(r"\\\n\s*", " ", page.read_text())
    found = re.findall(r"^(?: {4})?deepjscc ([a-z].*)$", text, re.MULTILINE)
    return [shlex.join(shlex.split(command.split(">")[0], comments=True)) for command in found]


def _elsewhere(command: str) -> str | None:
    return next((test for pattern, test in ELSEWHERE.items() if re.match(pattern, command)), None)


def _small(command: str) -> list[str]:
    for pattern, instead in SMALLER:
        command = re.sub(pattern, instead, command)
    return shlex.split(command)


@pytest.fixture
def desk(fake_stereo: Path, coffee: torch.Tensor, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the pages speak of, and small sets under the names of large ones."""
    photo = Image.fromarray(coffee[:, 100:148, 200:264].permute(1, 2, 0).numpy())
    photo.save(fake_stereo / "photo.jpg")
    photo.save(fake_stereo / "received.png")
    (fake_stereo / "small").mkdir()
    photo.save(fake_stereo / "small" / "photo.png")
    for view, side in (("image_2", "left"), ("image_3", "right")):
        source = fake_stereo / "stereo" / "test" / view / "000.png"
        (fake_stereo / f"{side}.png").write_bytes(source.read_bytes())
        (fake_stereo / "my" / side).mkdir(parents=True)
        (fake_stereo / "my" / side / "000.png").write_bytes(source.read_bytes())
    shutil.copytree(ROOT / "examples", fake_stereo / "examples")
    monkeypatch.chdir(fake_stereo)
    return fake_stereo


WITH_COMMANDS = [page for page in PAGES if any(_elsewhere(command) is None for command in _commands(page))]


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: page.stem)
def test_commands_of_pages_run(page: Path, desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In their order, as one often reads what another wrote."""
    for command in dict.fromkeys(_commands(page)):
        if _elsewhere(command) is None:
            arguments = _small(command)
            main(arguments)
            assert capsys.readouterr().out, command
            if "-o" in arguments:
                output = desk / arguments[arguments.index("-o") + 1]
                assert list(output.parent.glob(f"{output.stem}*")), command


@pytest.mark.parametrize("pattern", ELSEWHERE)
def test_what_runs_elsewhere_is_promised_and_tested(pattern: str) -> None:
    promised = [command for page in PAGES for command in _commands(page) if re.match(pattern, command)]
    assert promised, "no page promises this any more"
    assert "def test_" in (ROOT / "tests" / ELSEWHERE[pattern]).read_text()

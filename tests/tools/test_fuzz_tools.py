"""The fuzzers run; their counts are for `make fuzz`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "tools" / "fuzz"


@pytest.mark.slow
@pytest.mark.parametrize(
    "command", ["files --count 2", "layers --count 1", "captures --count 6", "tiny --count 6", "kills --count 1"]
)
def test_fuzzers_run(command: str, tmp_path: Path) -> None:
    name, *options = command.split()
    script = [sys.executable, str(FOLDER / f"{name}.py"), *options]
    subprocess.run(script, cwd=tmp_path, env=os.environ | {"OMP_NUM_THREADS": "1"}, check=True)

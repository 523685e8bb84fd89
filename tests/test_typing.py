"""Types reach users: mypy, run on a script that uses the package, finds them and finds a mistake."""

import subprocess
import sys
from pathlib import Path

import deepjscc

ROOT = Path(__file__).parents[1]
SCRIPT = """
import torch
import deepjscc
from deepjscc.channels import AWGN, Rician, make_channel

model = deepjscc.load("linear")
link = deepjscc.Link(model, AWGN(), bandwidth_ratio=1 / 12)
sent = link.transmit(torch.rand(1, 3, 32, 32), torch.tensor([3.0]))
reveal_type(model)
reveal_type(link)
reveal_type(sent)
reveal_type(make_channel("rician"))
reveal_type(Rician(k_factor_db=3.0))
reveal_type(deepjscc.read_image)
deepjscc.load(3)
"""


def test_mypy_knows_the_types_of_a_users_script(tmp_path: Path) -> None:
    """The configuration is the repository's, so that the cache of `make lint` serves here."""
    (tmp_path / "script.py").write_text(SCRIPT)
    assert (Path(deepjscc.__file__).parent / "py.typed").is_file()
    command = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), "--no-pretty"]
    shown = subprocess.run([*command, str(tmp_path / "script.py")], cwd=ROOT, capture_output=True, text=True).stdout
    revealed = [line.partition("Revealed type is ")[2].strip('"') for line in shown.splitlines() if "Revealed" in line]
    assert len(revealed) == 6, shown
    assert not [each for each in revealed if each == "Any"], shown
    assert revealed[0].endswith("JSCC")
    assert "Link" in revealed[1]
    assert revealed[3].endswith("Channel")
    errors = [line for line in shown.splitlines() if "error:" in line and "script.py" in line]
    assert len(errors) == 1, shown
    assert 'Argument 1 to "load" has incompatible type "int"' in errors[0]

"""The README's Python runs, and its commands are commands."""

import re
from pathlib import Path

from deepjscc.cli import COMMANDS

README = (Path(__file__).parents[1] / "README.md").read_text()


def test_python_example_runs(capsys) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(compile(code, "README.md", "exec"), {})
    assert "torch.Size([1, 3, 512, 512])" in capsys.readouterr().out


def test_commands_exist() -> None:
    assert set(re.findall(r"^ {4}deepjscc (\w+)", README, re.MULTILINE)) <= set(COMMANDS)

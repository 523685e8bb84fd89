"""What the documents show runs: examples in docstrings, Python in the pages, and every command's options."""

import doctest
import importlib
import re
import shlex
from pathlib import Path

import pytest

import deepjscc
from deepjscc.cli import app

ROOT = Path(__file__).parents[1]
PACKAGE = Path(deepjscc.__file__).parent
WITH_EXAMPLES = sorted(path for path in PACKAGE.rglob("*.py") if ">>> " in path.read_text())
PAGES = sorted(path for path in ROOT.glob("docs/**/*.md") if "results" not in path.parts)
# extending.md shows pieces of files, each without its surroundings.
WITH_PYTHON = [path for path in PAGES if "```python" in path.read_text() and path.name != "extending.md"]


def _module(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("name", [_module(path) for path in WITH_EXAMPLES])
def test_docstrings(name: str) -> None:
    failed, tried = doctest.testmod(importlib.import_module(name))
    assert tried
    assert not failed


@pytest.mark.parametrize("path", WITH_PYTHON, ids=lambda path: path.stem)
def test_python_in_pages(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for code in re.findall(r"```python\n(.*?)```", path.read_text(), re.DOTALL):
        exec(compile(code, path.name, "exec"), names)


def _commands(path: Path) -> list[str]:
    text = re.sub(r"\\\n\s*", " ", path.read_text())
    return [line.strip() for line in re.findall(r"^(?: {4})?(deepjscc [a-z].*)$", text, re.MULTILINE)]


@pytest.mark.parametrize(
    "path", [path for path in (ROOT / "README.md", *PAGES) if _commands(path)], ids=lambda path: path.stem
)
def test_commands_in_pages(path: Path) -> None:
    for command in _commands(path):
        arguments = shlex.split(command.split(">")[0], comments=True)[1:]
        app.parse_args(arguments, exit_on_error=False, print_error=False)

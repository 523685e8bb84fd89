"""The floors of the house: an import points down, or sideways on its own floor; never up."""

import ast
from pathlib import Path

import pytest

import deepjscc

ROOT = Path(deepjscc.__file__).parent
FLOORS = {
    **dict.fromkeys(
        ["errors", "types", "units", "seeds", "precision", "pixel_formats", "threads", "extensions", "layers"], 1
    ),
    **dict.fromkeys(["channels", "metrics", "symbols", "files", "images", "open_image", "fetch", "workers"], 2),
    **dict.fromkeys(["models", "digital", "data"], 3),
    **dict.fromkeys(["systems", "radio", "zoo"], 4),
    **dict.fromkeys(["papers", "training", "evaluation", "bulk", "export"], 5),
    **dict.fromkeys(["cli", "web"], 6),
}
FILES = sorted(ROOT.rglob("*.py"))


def _rooms_imported(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        rooms |= {name.split(".")[1] for name in names if name.startswith("deepjscc.")}
    return rooms


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0].removesuffix(".py")
    if room in ("__init__", "__main__"):
        return
    for other in _rooms_imported(path):
        assert FLOORS[other] <= FLOORS[room], f"{room} imports {other} from a floor above"
    if room in ("models", "digital"):
        assert not {"models", "digital"} - {room} & _rooms_imported(path), "the two wings meet only in systems/"
    if room in ("channels", "metrics"):
        assert not {"models", "digital"} & _rooms_imported(path)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_say_what_they_are_and_stay_short(path: Path) -> None:
    text = path.read_text()
    assert text.startswith('"""')
    assert text.count("\n") <= 320


def test_no_pickle_and_no_global_seed() -> None:
    for path in FILES:
        text = path.read_text()
        assert "import pickle" not in text
        assert "weights_only=False" not in text
        if path.name != "build.py":  # initial weights are the one draw torch has no generator for
            assert "manual_seed(" not in text.replace("Generator().manual_seed(", "")

"""Packages and modules lie on floors: an import points down, never up and never sideways on one floor."""

import ast
from pathlib import Path

import pytest

import deepjscc

ROOT = Path(deepjscc.__file__).parent
FROM_THE_GROUND_UP = [
    {"defaults", "errors", "precision", "pulses", "seeds", "threads", "types"},
    {"devices", "extensions", "fetch", "files", "layers", "pixel_formats", "symbols", "units", "workers"},
    {"channels", "open_image"},
    {"equaliser", "images"},
    {"data", "digital", "metrics", "models"},
    {"zoo"},
    {"systems"},
    {"radio"},
    {"evaluation", "export", "training"},
    {"bulk", "papers"},
    {"web"},
    {"cli"},
]
FLOORS = {room: number for number, rooms in enumerate(FROM_THE_GROUND_UP, 1) for room in rooms}
FILES = sorted(ROOT.rglob("*.py"))


def _rooms_imported(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module == "deepjscc":
            names += [f"deepjscc.{alias.name}" for alias in node.names if alias.name in FLOORS]
        rooms |= {name.split(".")[1] for name in names if name.startswith("deepjscc.")}
    return rooms


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0].removesuffix(".py")
    if room in ("__init__", "__main__"):
        return
    for other in _rooms_imported(path) - {room}:
        assert FLOORS[other] < FLOORS[room], f"{room} imports {other}, which lies on its own floor or above"


def test_every_package_has_a_floor() -> None:
    rooms = {path.relative_to(ROOT).parts[0].removesuffix(".py") for path in FILES}
    assert rooms - {"__init__", "__main__"} == set(FLOORS)


def _classes_asked_for(tree: ast.Module) -> set[str]:
    """Names in the second argument of ``isinstance``, and what ``type(...)`` is compared with."""
    asked: set[str] = set()
    for node in ast.walk(tree):
        places: list[ast.expr] = []
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance":
            places = node.args[1:]
        elif isinstance(node, ast.Compare) and ast.unparse(node.left).startswith("type("):
            places = node.comparators
        asked |= {name.id for place in places for name in ast.walk(place) if isinstance(name, ast.Name)}
    return asked


@pytest.mark.parametrize("room", ["evaluation", "web", "bulk", "radio", "export"])
def test_only_interfaces_of_models_and_systems_are_known(room: str) -> None:
    """These packages ask a model or a system for a capability, never for its class."""
    for path in sorted((ROOT / room).rglob("*.py")):
        tree = ast.parse(path.read_text())
        imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        own = [
            node for node in imports if node.module.split(".")[:2] in (["deepjscc", "models"], ["deepjscc", "systems"])
        ]
        names = {alias.asname or alias.name for node in own for alias in node.names}
        assert not names & _classes_asked_for(tree), path.relative_to(ROOT)


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

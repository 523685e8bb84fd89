"""A model to a folder: traced, converted, run and compared; only then do the files take their places."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Literal

from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.export.graphs import graphs_of
from deepjscc.zoo import load

Format = Literal["onnx", "openvino"]
MANIFEST = "model.json"


def export_model(
    name: str, folder: Path, formats: Collection[Format] = ("onnx",), say: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Write encoder and decoder apart, and the manifest beside them.

    Args:
        name: of the zoo, or a checkpoint.
        folder: where they go; made if it is not there. Files of these names are replaced.
        formats: of the files.
        say: told what is being done.

    Returns:
        The manifest.

    Raises:
        UsageError: no such model, or one whose networks alone are not the link.
        DeepJSCCError: a package that is missing, an operator that a format does not have, files that do not compute
            what the model does, or a place that cannot be written. Nothing is left behind then.
    """
    if not formats:
        raise UsageError("name a format: onnx, openvino")
    require()
    model = load(name)
    graphs = graphs_of(model, name)  # before any file
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise DeepJSCCError(f"{folder}: cannot be written: {error.strerror}") from None
    try:
        manifest = _fill(beside, name, model, graphs, formats, say)
        folder.mkdir(exist_ok=True)
        for path in sorted(beside.iterdir(), key=lambda path: path.name == MANIFEST):  # it speaks of the others
            os.replace(path, folder / path.name)
    except OSError as error:
        raise DeepJSCCError(f"{folder}: cannot be written: {error.strerror}") from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return manifest


def require() -> None:
    """See that what exporting needs is there.

    Raises:
        DeepJSCCError: it is not.
    """
    try:
        import onnx
        import onnxscript
        import openvino  # noqa: F401
    except ModuleNotFoundError as error:
        raise DeepJSCCError(f"exporting needs {error.name}: pip install 'deepjscc[export]'") from None


def _fill(
    folder: Path, name: str, model: Any, graphs: list[Any], formats: Collection[Format], say: Callable[[str], None]
) -> dict[str, Any]:
    from deepjscc.export.manifest import describe
    from deepjscc.export.onnx_file import save_onnx
    from deepjscc.export.openvino_file import runner, save_openvino
    from deepjscc.export.verify import TOLERANCE, largest_differences

    kept, places = {}, dict[str, dict[str, Path]]()
    for graph in graphs:
        say(f"{graph.name}: tracing")
        onnx = folder / f"{graph.name}.onnx"
        kept[graph.name] = save_onnx(graph, onnx, name)
        places[graph.name] = {"onnx": onnx}
        if "openvino" in formats:
            places[graph.name]["openvino"] = folder / f"{graph.name}.xml"
            save_openvino(onnx, places[graph.name]["openvino"], name)
    manifest = describe(model, name, graphs, kept)
    for form in formats:
        say(f"{form}: comparing with the model")
        runs = {graph: runner(files[form], name) for graph, files in places.items()}
        differences = largest_differences(model, graphs, runs)
        for graph, files in places.items():
            if not differences[graph] <= TOLERANCE:
                raise DeepJSCCError(
                    f"{name}: the exported {graph} ({form}) differs from the model by {differences[graph]:.2g}, more "
                    f"than {TOLERANCE:g}; nothing was written"
                )
            parts = [files[form], files[form].with_suffix(".bin")] if form == "openvino" else [files[form]]
            manifest["graphs"][graph]["files"][form] = {
                "names": [path.name for path in parts],
                "bytes": sum(path.stat().st_size for path in parts),
                "largest_difference": differences[graph],
            }
    if "onnx" not in formats:
        for files in places.values():
            files["onnx"].unlink()
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
    return manifest

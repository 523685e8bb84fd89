"""A model to a folder: traced, converted, run and compared; only then do the files take their places."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Collection
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.export.graphs import Graph
from deepjscc.export.model_graphs import graphs_of
from deepjscc.models import JSCC
from deepjscc.zoo import load

Format = Literal["onnx", "openvino"]
OnProgress = Callable[[int, int, str], None]
MANIFEST = "model.json"
DEFAULT: tuple[Format, ...] = ("onnx",)


def export_model(
    name: str,
    folder: Path,
    formats: Collection[Format] = DEFAULT,
    on_progress: OnProgress = lambda done, of, what: None,
) -> dict[str, Any]:
    """Write encoder and decoder apart, and the manifest beside them.

    Args:
        name: of the zoo, or a checkpoint.
        folder: where they go; made if it is not there. Files of these names are replaced.
        formats: of the files.
        on_progress: called with the steps done, the steps in all, and what is next.

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
        manifest = _fill(beside, name, model, graphs, formats, on_progress)
        folder.mkdir(exist_ok=True)
        for path in sorted(beside.iterdir(), key=lambda path: path.name == MANIFEST):  # it speaks of the others
            os.replace(path, folder / path.name)
    except OSError as error:
        raise DeepJSCCError(f"{folder}: cannot be written: {error.strerror}") from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return manifest


def require() -> None:
    """Check that the packages that exporting needs are installed.

    Raises:
        DeepJSCCError: it is not.
    """
    try:
        for package in ("onnx", "onnxscript", "openvino"):
            import_module(package)
    except ModuleNotFoundError as error:
        raise DeepJSCCError(f"exporting needs {error.name}: pip install 'deepjscc[export]'") from None


def _fill(
    folder: Path, name: str, model: JSCC, graphs: list[Graph], formats: Collection[Format], on_progress: OnProgress
) -> dict[str, Any]:
    from deepjscc.export.manifest import describe
    from deepjscc.export.onnx_file import save_onnx
    from deepjscc.export.openvino_file import runner, save_openvino
    from deepjscc.export.verify import TOLERANCE, largest_differences

    kept, places, steps = {}, dict[str, dict[str, Path]](), len(graphs) + len(formats)
    for done, graph in enumerate(graphs):
        on_progress(done, steps, f"trace {graph.name}")
        onnx = folder / f"{graph.name}.onnx"
        kept[graph.name] = save_onnx(graph, onnx, name)
        places[graph.name] = {"onnx": onnx}
        if "openvino" in formats:
            places[graph.name]["openvino"] = folder / f"{graph.name}.xml"
            save_openvino(onnx, places[graph.name]["openvino"], name)
    manifest = describe(model, name, graphs, kept)
    for done, form in enumerate(formats, len(graphs)):
        on_progress(done, steps, f"compare {form}")
        runs = {part: runner(files[form], name) for part, files in places.items()}
        differences = largest_differences(model, graphs, runs)
        for part, files in places.items():
            if not differences[part] <= TOLERANCE:
                raise DeepJSCCError(
                    f"{name}: the exported {part} ({form}) differs from the model by {differences[part]:.2g}, more "
                    f"than {TOLERANCE:g}; nothing was written"
                )
            written = [files[form], files[form].with_suffix(".bin")] if form == "openvino" else [files[form]]
            manifest["graphs"][part]["files"][form] = {
                "names": [path.name for path in written],
                "bytes": sum(path.stat().st_size for path in written),
                "largest_difference": differences[part],
            }
    if "onnx" not in formats:
        for files in places.values():
            files["onnx"].unlink()
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
    return manifest

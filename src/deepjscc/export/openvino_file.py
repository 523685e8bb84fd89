"""OpenVINO: ONNX files to its own form, and graphs of either form run on the CPU."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from deepjscc.errors import DeepJSCCError

Arrays = dict[str, np.ndarray]
MISSING = re.compile(r"No conversion rule found for operations: (.+)")


def save_openvino(onnx: Path, path: Path, model: str) -> None:
    """Convert an ONNX file to a ``.xml`` with its ``.bin``, weights in float32.

    Args:
        onnx: the file to convert.
        path: of the ``.xml``.
        model: its name, for messages.

    Raises:
        DeepJSCCError: an operator that OpenVINO does not have.
    """
    import openvino

    try:
        openvino.save_model(openvino.convert_model(onnx), path, compress_to_fp16=False)
    except Exception as error:  # of its converter, which raises whatever its frontends raise
        raise DeepJSCCError(f"{model}: its {onnx.stem} is no OpenVINO graph: {reason(error)}") from error


def runner(path: Path, model: str, threads: int | None = None) -> Callable[[Arrays], Arrays]:
    """Load a ``.onnx`` or ``.xml`` file to be run on the CPU, in float32.

    Args:
        path: of the file.
        model: its name, for messages.
        threads: of the processor; None leaves it to OpenVINO.

    Returns:
        Inputs by name to outputs by name; an input that the graph does not have is not looked at.

    Raises:
        DeepJSCCError: an operator that OpenVINO does not have.
    """
    import openvino

    config: dict[str, object] = {"INFERENCE_PRECISION_HINT": "f32"}
    if threads is not None:
        config["INFERENCE_NUM_THREADS"] = threads
    try:
        compiled = openvino.Core().compile_model(path, "CPU", config)
    except RuntimeError as error:
        raise DeepJSCCError(f"{model}: OpenVINO cannot run {path.name}: {reason(error)}") from error
    names = [port.any_name for port in compiled.inputs]

    def run(arrays: Arrays) -> Arrays:
        made = compiled({name: arrays[name] for name in names})
        return {port.any_name: np.array(made[port]) for port in compiled.outputs}

    return run


def reason(error: Exception) -> str:
    """Shorten OpenVINO's message to one line: the operators it does not have, or the last line."""
    if found := MISSING.search(str(error)):
        return f"OpenVINO has no operator {found[1]}"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines or [type(error).__name__])[-1]

"""A graph to an ONNX file, traced once with symbolic lengths."""

import logging
import re
import warnings
from pathlib import Path
from typing import Any

import torch
from torch.export import Dim

from deepjscc.errors import DeepJSCCError
from deepjscc.export.graphs import LARGEST_SIDE, Graph

STABLE = (torch.ops.aten.sort.stable, torch.ops.aten.argsort.stable)
OPERATOR = re.compile(r"OpOverload\(op='(?:aten\.)?([\w.]+)'")


def save_onnx(graph: Graph, path: Path, model: str) -> list[str]:
    """Write a graph; inputs that its network does not look at are left out.

    Args:
        graph: what to write.
        path: of the ``.onnx`` file.
        model: its name, for messages.

    Returns:
        Names of the inputs that were kept.

    Raises:
        DeepJSCCError: an operator that ONNX has no form of, or a network that a graph cannot hold.
    """
    import onnxscript.optimizer

    # Two libraries speak of what they have not found and of what they will change: nothing that a user could act on.
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            traced = _traced(graph)
            if any(node.target in STABLE for node in traced.graph.nodes):
                traced = traced.run_decompositions(
                    {**torch.export.default_decompositions(), torch.ops.aten.sort.stable: _sort}
                )
            program = torch.onnx.export(traced, dynamo=True, optimize=False, verbose=False)
            assert program is not None
            # Not all that the exporter would do itself: of two clips of one value its rewriting loses the bounds.
            onnxscript.optimizer.fold_constants(program.model)
            onnxscript.optimizer.remove_unused_nodes(program.model)
        kept = _sizes_as_numbers(program.model.graph, graph)
        _forget_origins(program.model)
        program.save(path)
    except (torch.onnx.OnnxExporterError, torch._dynamo.exc.UserError, RuntimeError, ValueError) as error:
        raise DeepJSCCError(f"{model}: its {graph.name} is no ONNX graph: {_reason(error)}") from error
    finally:
        logging.disable(before)
    return kept


def _traced(graph: Graph) -> torch.export.ExportedProgram:
    """The network with every named axis of any length."""
    examples = tuple(port.example for port in graph.inputs)
    lengths = tuple(
        {axis: _length(graph, side) for axis, side in enumerate(port.axes) if isinstance(side, str)}
        for port in graph.inputs
    )
    return torch.export.export(
        graph.network.eval(),
        examples,
        dynamic_shapes=lengths,
        strict=False,
        # A check that a length belongs to another is left to who runs the graph.
        prefer_deferred_runtime_asserts_over_guards=True,
    )


def _sort(values: torch.Tensor, *, stable: bool, dim: int = -1, descending: bool = False) -> Any:
    """A stable sort as the plain one, which is stable in ONNX."""
    return torch.ops.aten.sort.default(values, dim, descending)


def _length(graph: Graph, side: str) -> Any:
    if graph.largest is None or side not in ("height", "width"):
        return Dim.DYNAMIC
    # Below 9 pixels a map is a single place, which the tracer takes for something else; the graph does not.
    return Dim(side, min=9, max=min(LARGEST_SIDE, graph.largest[side == "width"]))


def _sizes_as_numbers(made: Any, graph: Graph) -> list[str]:
    """Replace inputs of which only the shape is looked at by the shape, and drop those nobody looks at.

    A tracer follows lengths of inputs, not their values; a user would rather give two numbers than a canvas.
    """
    import numpy as np
    import onnx_ir as ir

    kept = []
    for value, port in zip(list(made.inputs), graph.inputs, strict=True):
        if not value.uses():
            continue
        if port.example is not None and port.example.dtype == torch.bool:
            size = ir.Value(name=port.name, shape=ir.Shape([2]), type=ir.TensorType(ir.DataType.INT64))
            canvas = ir.node("ConstantOfShape", [size], attributes={"value": ir.tensor(np.array([False]))})
            canvas.outputs[0].name = f"{port.name}_canvas"
            for node, index in list(value.uses()):
                node.replace_input_with(index, canvas.outputs[0])
            made.insert_before(made[0], canvas)
            value = size
        value.name = port.name
        kept.append(value)
    made.inputs[:] = kept
    for value, port in zip(made.outputs, graph.outputs, strict=True):
        value.name = port.name
    return [value.name for value in kept]


def _forget_origins(made: Any) -> None:
    """Drop what the tracer notes of each operator: lines of code and places on this machine."""
    made.metadata_props.clear()
    made.graph.metadata_props.clear()
    for node in made.graph:
        node.metadata_props.clear()
        for value in node.outputs:
            value.metadata_props.clear()
    for value in (*made.graph.inputs, *made.graph.initializers.values()):
        value.metadata_props.clear()


def _reason(error: BaseException) -> str:
    """Name the operator that is missing, or return the first line of the exporter's long message."""
    causes = []
    current: BaseException | None = error
    while current is not None:
        causes.append(str(current))
        current = current.__cause__
    for text in reversed(causes):
        if found := OPERATOR.search(text):
            return f"there is no operator {found[1]} in it"
    return next((line for line in causes[-1].splitlines() if line.strip()), type(error).__name__)

"""`deepjscc export`: writes a model to files that other programs run."""

from typing import Annotated, Literal

from cyclopts import Parameter

from deepjscc.cli.common import Json, Output, print_json, print_note, progress
from deepjscc.errors import UsageError


def export(
    model: str,
    *,
    output: Output,
    format: Annotated[
        list[Literal["onnx", "openvino"]] | None,
        Parameter(negative="", help="Format of the graphs, one or both; the default is onnx."),
    ] = None,
    json: Json = False,
) -> None:
    """Export the encoder and the decoder of a model as separate ONNX or OpenVINO graphs.

    The command runs the graphs and reports how far their results differ from those of the model.

    Args:
        model: A model of the zoo (deepjscc models), or a .safetensors checkpoint.
    """
    from deepjscc.export.write import export_model
    from deepjscc.systems.names import is_hybrid

    if is_hybrid(model):
        raise UsageError(
            f"{model} has a source codec and a channel code, which are not networks; export universal-s or linear"
        )
    with progress() as tell:
        manifest = export_model(model, output, tuple(dict.fromkeys(format or ["onnx"])), tell)
    print_note(manifest["note"] and f"{model} is exported {manifest['note']}")
    if json:
        print_json(manifest)
        return
    for name, graph in manifest["graphs"].items():
        for file in graph["files"].values():
            names = " and ".join(str(output / each) for each in file["names"])
            print(
                f"{names}: {name}, {file['bytes']} bytes; its results differ from the model's by at most "
                f"{file['largest_difference']:.2g}"
            )
    print(f"{output / 'model.json'}: description of inputs, outputs and framing")

"""`model.json`: what one must know to use exported graphs: whose weights, which inputs, how to frame the symbols."""

from typing import Any

from deepjscc import __version__
from deepjscc.export.graphs import Graph, Port
from deepjscc.models import JSCC
from deepjscc.types import IdealCode
from deepjscc.zoo import cards, weights_hash, weights_sha256

SNR = "snr_db = 10 log10(P/N0): P = 1, N0 the noise variance of a complex symbol, N0/2 in I and in Q"
WHOLE = ("size", "uses", "header")
FRAMING = (
    "one complex symbol a channel use, I + iQ, in order; as cf32_le the float32 values of an image as they lie in "
    "memory; the frame's empty fields are those of the image, side_info a list of the header in hex"
)
NO_MAP = (
    "without the class map, which is entropy-coded outside the networks: all blocks count as of the average class; any "
    "bandwidth ratio up to 1/2, by the number of symbols asked for"
)


def describe(model: JSCC, name: str, graphs: list[Graph], inputs: dict[str, list[str]]) -> dict[str, Any]:
    """Describe a model and its graphs for the manifest, before files are written.

    Args:
        model: that is exported.
        name: of the zoo, or a checkpoint.
        graphs: its graphs.
        inputs: names that each graph kept.
    """
    card, block = cards().get(name), model.sends_side_info
    size = model.fixed_size or (16 * model.stride, 16 * model.stride)
    return {
        "model": name,
        "kind": model.kind,
        "weights_sha256": weights_sha256(name),
        "licence": None if card is None else card.licence,
        "deepjscc": __version__,
        "bandwidth_ratio": None if block else model.uses(size) / (3 * size[0] * size[1]),
        "stride": model.stride,
        "stages": model.stages,
        "snr": SNR,
        "sizes": "any; padding to multiples of the stride is inside" if model.fixed_size is None else list(size),
        "graphs": {graph.name: _graph(graph, inputs[graph.name]) for graph in graphs},
        "note": NO_MAP if block else None,
        "layers": [
            *(
                [{"name": "header", "kind": "digital", "code": "ideal", "bits_per_use": IdealCode().rate}]
                if block
                else []
            ),
            {"name": "symbols", "kind": "analog", "mean_power": 1.0},
        ],
        "framing": {
            "symbols": FRAMING,
            "deepjscc:frame": {
                "model": name,
                "weights_hash": weights_hash(name),
                "height": None,
                "width": None,
                "uses": None,
                "side_info": None if block else [],
                "side_info_rates": [IdealCode().rate] if block else [],
            },
        },
    }


def _graph(graph: Graph, kept: list[str]) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "files": {},
        "inputs": [_port(port) for port in graph.inputs if port.name in kept],
        "outputs": [_port(port) for port in graph.outputs],
    }
    if graph.largest is not None:
        entry["largest"] = {"height": graph.largest[0], "width": graph.largest[1]}
    return entry


def _port(port: Port) -> dict[str, Any]:
    canvas = port.name == "size"
    return {
        "name": port.name,
        "type": "int64" if port.name in WHOLE else "float32",
        "shape": [2] if canvas else list(port.axes),
        "meaning": port.meaning,
    }

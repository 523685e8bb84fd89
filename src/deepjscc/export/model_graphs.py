"""Which graphs a model becomes."""

from deepjscc.errors import UsageError
from deepjscc.export.block_graphs import block_graphs
from deepjscc.export.graphs import Graph, direct_graphs
from deepjscc.models import JSCC, DistributedLinear, Linear, Residual, UnrolledLinear


def graphs_of(model: JSCC, name: str) -> list[Graph]:
    """Encoder and decoder, or the decoders for each number of stages.

    Raises:
        UsageError: a model whose networks alone are not the link.
    """
    if isinstance(model, Residual):
        raise UsageError(
            f"{name} cannot be exported: its encoder simulates receptions, with noise, between the networks; export "
            "a single_decoder or multiple_decoders model"
        )
    if isinstance(model, UnrolledLinear):
        raise UsageError(
            f"{name} cannot be exported: its decoder, converted, differs from the model; export adaptive-linear or "
            "universal-s"
        )
    if isinstance(model, DistributedLinear) and model.joint:
        raise UsageError(
            f"{name} cannot be exported: the graphs of block codes take one view; export distributed-joint or "
            "distributed-linear-alone"
        )
    return block_graphs(model) if isinstance(model, Linear) else direct_graphs(model)

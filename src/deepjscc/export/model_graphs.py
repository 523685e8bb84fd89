"""The choice of the graphs that a model is exported as."""

from typing import cast

from deepjscc.errors import UsageError
from deepjscc.export.block_graphs import block_graphs
from deepjscc.export.graphs import Graph, direct_graphs
from deepjscc.models import JSCC, BlockCode


def graphs_of(model: JSCC, name: str) -> list[Graph]:
    """Make the encoder and the decoder of a model, or its decoders for each number of stages.

    Raises:
        UsageError: a model whose networks alone are not the link.
    """
    if model.export_obstacle is not None:
        raise UsageError(f"{name} cannot be exported: {model.export_obstacle}")
    # A code with side information is the linear one, or one around it.
    return block_graphs(cast(BlockCode, model)) if model.sends_side_info else direct_graphs(model)

"""Learned systems, by the name that a checkpoint carries."""

from deepjscc.models.adaptive import Adaptive
from deepjscc.models.adaptive_linear import AdaptiveLinear
from deepjscc.models.base import JSCC
from deepjscc.models.block_code.code import BlockCode
from deepjscc.models.cnn import Cnn
from deepjscc.models.distributed import Distributed, PairJSCC
from deepjscc.models.distributed_linear import DistributedLinear
from deepjscc.models.linear import Linear
from deepjscc.models.multiple_decoders import MultipleDecoders
from deepjscc.models.residual import Residual
from deepjscc.models.single_decoder import SingleDecoder
from deepjscc.models.staged import Staged
from deepjscc.models.universal import Universal
from deepjscc.models.unrolled import IteratedJSCC, Unrolled
from deepjscc.models.unrolled_linear import UnrolledLinear

MODELS: dict[str, type[JSCC]] = {
    model.kind: model
    for model in (
        *(Cnn, Linear, Universal),
        *(MultipleDecoders, SingleDecoder, Residual),
        *(Adaptive, AdaptiveLinear, Unrolled, UnrolledLinear),
        *(Distributed, DistributedLinear),
    )
}

__all__ = [
    "JSCC",
    "MODELS",
    "Adaptive",
    "AdaptiveLinear",
    "BlockCode",
    "Cnn",
    "Distributed",
    "DistributedLinear",
    "IteratedJSCC",
    "Linear",
    "MultipleDecoders",
    "PairJSCC",
    "Residual",
    "SingleDecoder",
    "Staged",
    "Universal",
    "Unrolled",
    "UnrolledLinear",
]

"""Learned systems, by the name that a checkpoint carries."""

from deepjscc.models.base import JSCC
from deepjscc.models.cnn import Cnn
from deepjscc.models.linear import Linear
from deepjscc.models.universal import Universal

MODELS: dict[str, type[JSCC]] = {"cnn": Cnn, "linear": Linear, "universal": Universal}

__all__ = ["JSCC", "MODELS", "Cnn", "Linear", "Universal"]

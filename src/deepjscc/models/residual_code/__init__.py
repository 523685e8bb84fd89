"""The analog layer of a hybrid: a block code of what a decoded digital base leaves of an image."""

from deepjscc.models.residual_code.code import ResidualCode
from deepjscc.models.residual_code.results import ModulatedResidual, ResidualEstimate, ResidualStatistics

__all__ = ["ModulatedResidual", "ResidualCode", "ResidualEstimate", "ResidualStatistics"]

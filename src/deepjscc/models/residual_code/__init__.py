"""The analog layer of a hybrid: a block code of what a decoded digital base leaves of an image."""

from deepjscc.models.residual_code.code import ModulatedResidual, ResidualCode, ResidualEstimate, ResidualStatistics

__all__ = ["ModulatedResidual", "ResidualCode", "ResidualEstimate", "ResidualStatistics"]

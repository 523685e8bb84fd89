"""Calibration of expected errors: what networks leave of the closed form's error, in a few measured numbers.

Networks around a block code take away a share of the error that depends on the strength of the coefficients and on
whether they were sent, and a little on the link. `tools/calibrate_error.py` measures the numbers on photographs of
training; they stand in the card of the weights.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

EDGES = (5, 16, 48, 128, 300)  # indices of coefficients, strongest first, at which a group of like strength ends
GROUPS = len(EDGES) + 1
DB = 10 / math.log(10)
LEAST = 1e-12  # mean squared error
Groups = Float[Tensor, "*batch groups"]


@dataclass(frozen=True)
class ErrorCalibration:
    """Factors of the closed form's error, and terms in dB.

    Attributes:
        sent: of the error of the coefficients that are sent, a factor for each group.
        silent: likewise of those that are not.
        terms: dB for each of :func:`link_terms`.
        estimate: dB for each of :func:`estimate_terms`, of the receiver's estimate alone.
    """

    sent: Sequence[float] = (1.0,) * GROUPS
    silent: Sequence[float] = (1.0,) * GROUPS
    terms: Sequence[float] = (0.0,) * 6
    estimate: Sequence[float] = (0.0,) * 9

    def mse(self, sent: Groups, silent: Groups, snr_db: float, ratio: float, weight: float = 1.0) -> float:
        """Mean squared error of one image that networks leave.

        Args:
            sent, silent: mean squared errors of the closed form by group, on the scale of images, ``[groups]``.
            snr_db: planned for, in dB.
            ratio: complex symbols per source value.
            weight: of the networks, from 0 to 1; 0 leaves the closed form.
        """
        closed = max(float((sent + silent).sum()), LEAST)
        factors, rest = (torch.tensor(factor, dtype=torch.float64) for factor in (self.sent, self.silent))
        left = max(float((sent.double() * factors + silent.double() * rest).sum()), LEAST)
        change_db = DB * math.log(left / closed) + dot(self.terms, link_terms(closed, snr_db, ratio))
        return closed * math.exp(weight * change_db / DB)

    def corrected(self, estimated_mse: float, snr_db: float, ratio: float, gain: float, weight: float = 1.0) -> float:
        """The receiver's estimate of the mean squared error, corrected by what such estimates miss on average.

        Args:
            estimated_mse: of the closed form, from posterior variances and received powers, on the scale of images.
            snr_db, ratio, weight: as :meth:`mse` takes them.
            gain: by which the image was scaled to mean power 1.
        """
        change_db = dot(self.estimate, estimate_terms(estimated_mse, snr_db, ratio, gain))
        return estimated_mse * math.exp(weight * change_db / DB)


def link_terms(mse: float, snr_db: float, ratio: float) -> list[float]:
    """What the change in dB depends on linearly: SNR and ratio, about from -1 to 1, their products, and the PSNR."""
    snr, octaves = (snr_db - 10) / 10, math.log2(ratio) / 4 + 0.8
    return [snr, octaves, snr * snr, octaves * octaves, snr * octaves, _psnr(mse)]


def estimate_terms(mse: float, snr_db: float, ratio: float, gain: float) -> list[float]:
    """What the correction in dB depends on linearly: SNR, ratio, PSNR, the gain in octaves, and its products.

    The gain says how much less energy than an average photograph the image has where it was received.
    """
    link, octaves = [1.0, (snr_db - 10) / 10, math.log2(ratio) / 4 + 0.8, _psnr(mse)], math.log2(max(gain, 1e-6))
    return [*link, octaves, octaves * octaves, *(octaves * one for one in link[1:])]


def group_of_coefficients(values: int) -> Int[Tensor, " values"]:
    """The group of each coefficient of a block."""
    return torch.bucketize(torch.arange(values), torch.tensor(EDGES), right=True)


def sum_groups(by_coefficient: Float[Tensor, "*batch values"]) -> Groups:
    """Sum over the coefficients of each group."""
    index = group_of_coefficients(by_coefficient.shape[-1]).to(by_coefficient.device)
    return by_coefficient.new_zeros(*by_coefficient.shape[:-1], GROUPS).index_add_(-1, index, by_coefficient)


def dot(numbers: Sequence[float], terms: Sequence[float]) -> float:
    """Sum of products."""
    return sum(number * term for number, term in zip(numbers, terms, strict=True))


def _psnr(mse: float) -> float:
    """PSNR about from -1 to 1."""
    return (-DB * math.log(max(mse, LEAST)) - 32) / 10

"""Bandwidth ratios of the images of a set, each chosen for a PSNR that all of them are expected to reach."""

from collections.abc import Iterator

import torch

from deepjscc.data import ImageSet
from deepjscc.errors import UsageError
from deepjscc.evaluation.mean_ratio import common_psnr_db
from deepjscc.images import to_float
from deepjscc.systems.base import System
from deepjscc.systems.constant_quality import ExpectedQuality, RatioChoice
from deepjscc.types import Images


class ChosenRatios:
    """The links that send the images of a set at constant quality.

    Args:
        system: a system whose transmitter expects errors.
        data: the images.
        design_snr_db: of the channel, in dB.
        target_db: PSNR that every image should reach; None: the one that all reach at ``mean_ratio``.
        mean_ratio: mean of the bandwidth ratios of the images.

    Raises:
        UsageError: a system or a channel without an expectation, or a mean ratio that is out of reach.
    """

    def __init__(
        self, system: System, data: ImageSet, design_snr_db: float, target_db: float | None, mean_ratio: float | None
    ) -> None:
        self._system, self._data, self._design_snr_db = system, data, torch.tensor([design_snr_db])
        self._known: dict[int, ExpectedQuality] = {}
        if target_db is None:
            assert mean_ratio is not None
            self._known = {index: self._expect(index) for index in range(len(data))}
            target_db = common_psnr_db(list(self._known.values()), mean_ratio)
        self.target_db = target_db

    def batches(self) -> Iterator[tuple[int, Images]]:
        """Index and floats in [0, 1] of every image, as a batch of one."""
        for index in range(len(self._data)):
            yield index, to_float(self._data[index])

    def choose(self, index: int) -> tuple[System, RatioChoice]:
        """The link of an image and what is expected of it.

        Raises:
            UsageError: a PSNR that no ratio reaches; says the image and the best.
        """
        quality = self._known.get(index) or self._expect(index)
        try:
            choice = quality.smallest_ratio(self.target_db)
        except UsageError as error:
            raise UsageError(f"{self._data.names[index]}: {error}") from None
        return quality.system.with_ratio(choice.bandwidth_ratio), choice

    def _expect(self, index: int) -> ExpectedQuality:
        return ExpectedQuality(self._system, to_float(self._data[index]), self._design_snr_db)

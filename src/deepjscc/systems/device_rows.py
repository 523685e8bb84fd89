"""Rows of a large image that are read on one device and coded on another."""

import torch

from deepjscc.models.block_code.tiling import Rows
from deepjscc.types import Images


class RowsOnDevice:
    """Rows of an image that are moved to a device when they are read.

    Args:
        rows: the image.
        device: the device of the strips that are returned.
    """

    def __init__(self, rows: Rows, device: torch.device) -> None:
        self.rows, self.device, self.size = rows, device, rows.size

    def strip(self, top: int, bottom: int) -> Images:
        """Rows ``top`` to ``bottom``."""
        return self.rows.strip(top, bottom).to(self.device)

"""The transform of residual blocks: an orthonormal DCT of three orthonormal colour planes, and its frequency bands."""

import math

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

# Luma-like, R - B and G against both: the KLT of three equally strong colours whose neighbours correlate alike.
_COLOURS = ((1.0, 1.0, 1.0), (1.0, 0.0, -1.0), (1.0, -2.0, 1.0))
_EDGES = (0.13, 0.3, 0.5, 0.75, 1.0)  # between bands: distance from the mean, as a share of the number of frequencies
LUMA_BANDS = len(_EDGES) + 1
BANDS = 2 * LUMA_BANDS  # the two differences of colours share theirs


def block_transform(side: int) -> Float[Tensor, "values values"]:
    """Rows are the coefficients, columns the values of a block in (colour, row, column) order; orthonormal."""
    place = torch.arange(side, dtype=torch.float64)
    cosine = torch.cos(math.pi / side * (place + 0.5) * place[:, None]) * math.sqrt(2 / side)
    cosine[0] /= math.sqrt(2)
    colours = torch.tensor(_COLOURS, dtype=torch.float64)
    colours = colours / colours.norm(dim=1, keepdim=True)
    return torch.kron(colours, torch.kron(cosine, cosine)).float()


def band_of_coefficients(side: int) -> Int[Tensor, " values"]:
    """Index of the band of every coefficient, below :data:`BANDS`."""
    place = torch.arange(side)
    radius = (place.square() + place.square()[:, None]).double().sqrt() / side
    luma = torch.bucketize(radius, torch.tensor(_EDGES, dtype=torch.float64), right=True).flatten()
    return torch.cat([luma, luma + LUMA_BANDS, luma + LUMA_BANDS])


def edge_rows(picture: Shaped[Tensor, "3 height width"], top: int, bottom: int, width: int) -> Tensor:
    """Rows ``top`` to ``bottom`` of a picture, ``width`` wide, its edges repeated on all sides."""
    rows = torch.arange(top, bottom, device=picture.device).clamp(0, picture.shape[1] - 1)
    columns = torch.arange(width, device=picture.device).clamp_max(picture.shape[2] - 1)
    return picture[:, rows][:, :, columns]


def to_blocks(picture: Float[Tensor, "3 height width"], side: int) -> Float[Tensor, "blocks values"]:
    """A padded picture to its blocks in raster order, values in (colour, row, column) order."""
    _, height, width = picture.shape
    cut = picture.reshape(3, height // side, side, width // side, side)
    return cut.permute(1, 3, 0, 2, 4).flatten(2).flatten(0, 1)


def from_blocks(blocks: Float[Tensor, "blocks values"], side: int, columns: int) -> Float[Tensor, "3 height width"]:
    """Undo :func:`to_blocks`."""
    laid = blocks.reshape(-1, columns, 3, side, side).permute(2, 0, 3, 1, 4)
    return laid.reshape(3, -1, columns * side)

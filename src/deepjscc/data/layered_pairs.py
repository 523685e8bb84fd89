"""Pairs made of single photographs: two views of a scene of flat layers, each at a depth of its own.

Real stereo pairs that may be used freely are few and of one kind of scene. A layer at some depth is shifted between two
rectified cameras by its disparity alone, so a photograph behind and pieces of others before it make a pair of known
geometry, occlusions included (as Mayer et al. 2016 render their flying chairs and things).
"""

import torch
from jaxtyping import UInt8
from torch import Tensor

from deepjscc.errors import UsageError
from deepjscc.types import Size

FARTHEST = 0.04  # disparity of the background at most, of the width
NEAREST = 0.25  # disparity of the nearest layer at most, of the width
LAYERS = 3  # before the background, at most
LARGEST, SMALLEST = 0.4, 0.1  # half axes of a layer's outline, of the window's sides

Photograph8 = UInt8[Tensor, "3 _ _"]  # photographs of a list may be of several sizes
WindowPair8 = UInt8[Tensor, "2 3 _ _"]  # left and right, of another size than the photographs


def layered_pair(photographs: list[Photograph8], window: Size, draws: torch.Generator) -> WindowPair8:
    """Compose a pair of views of a scene with a background and up to three elliptic layers before it.

    What stands at column x in the left view stands at x minus its disparity in the right one. Disparities grow from the
    background forward.

    Args:
        photographs: the first is the background, the others are the layers', in any order.
        window: height and width of each view.
        draws: random generator.

    Raises:
        UsageError: a photograph smaller than the window is wide and the background's disparity.
    """
    height, width = window
    count = int(torch.randint(min(LAYERS, len(photographs) - 1) + 1, (), generator=draws))
    far = FARTHEST * width * torch.rand((), generator=draws).item()
    nearer = torch.rand(count, generator=draws).sort().values
    disparities = [round(far), *(round(far + (NEAREST * width - far) * share) for share in nearer.tolist())]
    shown = _crop(photographs[0], (height, width + disparities[0]), draws)
    left, right = shown[..., :width].clone(), shown[..., disparities[0] :].clone()
    for photograph, disparity in zip(photographs[1 : count + 1], disparities[1:], strict=True):
        texture = _crop(photograph, window, draws)
        outline = _ellipse(window, draws)
        left = torch.where(outline, texture, left)
        moved = width - disparity
        right[..., :moved] = torch.where(outline[:, disparity:], texture[..., disparity:], right[..., :moved])
    return torch.stack([left, right])


def _crop(photograph: Photograph8, window: Size, draws: torch.Generator) -> Photograph8:
    room = [side - wanted for side, wanted in zip(photograph.shape[1:], window, strict=True)]
    if min(room) < 0:
        raise UsageError(
            f"photographs of {photograph.shape[2]}x{photograph.shape[1]} pixels are too small to make pairs of: "
            f"{window[1]}x{window[0]} pixels are needed"
        )
    top, left = (int(torch.randint(free + 1, (), generator=draws)) for free in room)
    return photograph[:, top : top + window[0], left : left + window[1]]


def _ellipse(window: Size, draws: torch.Generator) -> Tensor:
    """Where a layer lies, ``[height, width]``: an ellipse anywhere in the window."""
    places = []
    for side in window:
        centre = side * torch.rand((), generator=draws).item()
        half = side * (SMALLEST + (LARGEST - SMALLEST) * torch.rand((), generator=draws).item())
        places.append(((torch.arange(side) - centre) / half).square())
    return places[0][:, None] + places[1][None] < 1

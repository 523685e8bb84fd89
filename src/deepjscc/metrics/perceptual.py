"""LPIPS (Zhang et al. 2018, v0.1, AlexNet trunk): perceptual distance, smaller is closer.

The weights are fetched when first asked for, each by checksum: the trunk as torchvision publishes it (BSD-3-Clause) and
the five linear heads of the authors' repository (BSD-2-Clause).
"""

from functools import cache
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.images import to_8bit
from deepjscc.types import Images

TRUNK_URL = "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth"
TRUNK_SHA256 = "7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02"
HEADS_URL = "https://raw.githubusercontent.com/richzhang/PerceptualSimilarity/master/lpips/weights/v0.1/alex.pth"
HEADS_SHA256 = "df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0"

MIN_SIDE = 31  # the smallest side that leaves the trunk's last map a pixel
WIDTHS = (64, 192, 384, 256, 256)


class LPIPS(nn.Module):
    """The distance itself; :func:`lpips` fills in the published weights."""

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
        UsageError: a side under 31 pixels.
        DeepJSCCError: the weights are not here and cannot be fetched.
    """
    if min(images.shape[-2:]) < MIN_SIDE:
        raise UsageError(f"LPIPS needs images of at least {MIN_SIDE} pixels a side, not {tuple(images.shape[-2:])}")
    return _published()(to_8bit(images).float() / 255, to_8bit(decoded).float() / 255)


@cache
def _published() -> LPIPS:
    folder = Path.home() / ".cache" / "deepjscc" / "lpips"
    trunk = _tensors(TRUNK_URL, TRUNK_SHA256, folder)
    heads = _tensors(HEADS_URL, HEADS_SHA256, folder)
    model = LPIPS()
    try:
        state = {name: trunk[name] for name in model.state_dict() if name.startswith("features.")}
        state |= {f"heads.{i}.weight": heads[f"lin{i}.model.1.weight"] for i in range(len(WIDTHS))}
        model.load_state_dict(state, strict=False)
    except (KeyError, RuntimeError) as error:
        raise DeepJSCCError(f"the LPIPS weights in {folder} do not fit: {error}; delete the folder") from None
    return model.eval()


def _tensors(url: str, sha256: str, folder: Path) -> dict[str, Tensor]:
    """Fetch a file of tensors. It is read by torch's restricted reader: tensors only, no code, checksum first."""
    from deepjscc.fetch import download

    return torch.load(download(url, f"sha256:{sha256}", folder), map_location="cpu", weights_only=True)

"""A closed-form measure of how well two views match along their rows, and a gate that closes where they do not.

Rectified cameras see a point in the same row. So of pictures of one scene, places find a better match in the same row
of the other view than in any other row; of unrelated pictures they find one as good (or as bad) anywhere. The
difference of the two matches, the row contrast, needs no training and no threshold that depends on how smooth the
pictures are: noise and blur raise both matches alike. It compares only what the receiver has.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from deepjscc.layers.residual import zeroed
from deepjscc.types import Images

REDUCED = 4  # pixels a side that are averaged before places are compared
SURROUNDINGS = 5  # side of what a place is compared by, in reduced pixels
WINDOW = 64  # reduced columns that are searched together
OTHER_ROWS = (0.25, 0.5, 0.75)  # of the height, by which the rows compared against are shifted
RELATED_FROM = 0.1  # row contrast where an untrained gate is half open: measured on stereo and unrelated pairs
HIDDEN = 16

PairContrast = Float[Tensor, " images"]  # of images 2i and 2i + 1 the same


@torch.no_grad()
def row_contrast(images: Images) -> PairContrast:
    """Compute by how much places match better in the same row of the other view than in other rows.

    The measure of a match is the normalised cross-correlation of 20x20 pixels at a quarter of the resolution, the best
    one in the row; places count by the strength of their texture.

    Args:
        images: pairs one after the other, ``[2 x pairs, 3, height, width]``.

    Returns:
        For every image the mean contrast of its pair: about 0 for unrelated pictures, 0.1 to 0.4 for two views.
    """
    places, strength = _places(images.float())
    count = -(-places.shape[3] // WINDOW)
    same, other = [], []
    for window in places.tensor_split(count, 3):
        theirs = window.unflatten(0, (-1, 2)).flip(1).flatten(0, 1)
        same.append(_best(window, theirs))
        rows = window.shape[2]
        shifts = {round(share * rows) for share in OTHER_ROWS} - {0}
        other.append(sum((_best(window, theirs.roll(shift, 2)) for shift in shifts), start=torch.zeros(())))
        other[-1] = other[-1] / max(len(shifts), 1)
    weights = strength / strength.sum((1, 2), keepdim=True).clamp_min(1e-9)
    contrast = ((torch.cat(same, 2) - torch.cat(other, 2)) * weights).sum((1, 2))
    return contrast.unflatten(0, (-1, 2)).mean(1).repeat_interleave(2)


class AgreementGate(nn.Module):
    """A factor between 0 and 1 for what one view takes over from the other; half open at a row contrast of 0.1.

    What it makes of the contrast beyond that is learned, from the contrast and the SNRs of the two links.
    """

    def __init__(self) -> None:
        super().__init__()
        self.learned = nn.Sequential(nn.Linear(3, HIDDEN), nn.SiLU(), zeroed(nn.Linear(HIDDEN, 1)))

    def forward(self, images: Images, snr_db: Float[Tensor, " images"]) -> Float[Tensor, " images"]:
        """Compute the gate of every image.

        Args:
            images: pairs as they are known before the views exchange anything.
            snr_db: of each image's link.
        """
        contrast = row_contrast(images)
        scaled = (snr_db.clamp(-10, 30) - 7) / 10
        theirs = scaled.unflatten(0, (-1, 2)).flip(1).flatten(0, 1)
        relative = contrast / RELATED_FROM - 1
        with torch.autocast(images.device.type, enabled=False):
            learned = self.learned(torch.stack([relative, scaled, theirs], 1))[:, 0]
        return (6 * relative + learned).sigmoid()


def _places(images: Images) -> tuple[Float[Tensor, "images values rows columns"], Float[Tensor, "images rows columns"]]:
    """Return the surroundings of every reduced pixel as a unit vector without mean, and how much they vary."""
    reduced = F.avg_pool2d(images, REDUCED, ceil_mode=True)
    size = reduced.shape[2:]
    patches = F.unfold(F.pad(reduced, [SURROUNDINGS // 2] * 4, mode="replicate"), SURROUNDINGS)
    patches = patches.unflatten(1, (3, SURROUNDINGS**2))
    level = (patches - patches.mean(2, keepdim=True)).flatten(1, 2)
    return F.normalize(level, dim=1, eps=1e-4).unflatten(2, size), level.norm(dim=1).unflatten(1, size)


def _best(own: Tensor, theirs: Tensor) -> Float[Tensor, "images rows columns"]:
    """Return, for every place of ``own``, the largest correlation with a place of the same row of ``theirs``."""
    return torch.einsum("nfrc,nfrd->nrcd", own, theirs).amax(3)

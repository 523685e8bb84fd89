"""Convolutions conditioned on the SNR: ConvK-C of S. Wang et al. 2022, with the attention-feature module of ADJSCC."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from deepjscc.types import SnrDb

Features = Float[Tensor, "batch width rows columns"]

DB_PER_UNIT = 10.0  # networks are told the SNR in units of 10 dB, near the size of their features
SQUEEZE = 4  # the hidden layer of the attention-feature module is narrower by this


class ChannelNorm(nn.Module):
    """Every position's features to mean 0 and variance 1, then scaled and shifted (Mentzer et al. 2020).

    Args:
        width: number of features.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)

    def forward(self, features: Features) -> Features:
        """Normalise; no position hears of another."""
        return self.norm(features.movedim(1, -1)).movedim(-1, 1)


class AttentionFeature(nn.Module):
    """Scales every feature by what the image holds of it and by the SNR (Xu et al. 2021, ADJSCC, Fig. 3).

    Args:
        width: number of features.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        hidden = max(1, width // SQUEEZE)
        self.squeeze = nn.Linear(width, hidden)
        self.snr = nn.Linear(1, hidden, bias=False)  # with `squeeze`, one layer on the means and the SNR side by side
        self.excite = nn.Linear(hidden, width)

    def forward(self, features: Features, snr_db: SnrDb) -> Features:
        """Features times factors in [0, 1]."""
        means = features.mean((2, 3))
        hidden = F.relu(self.squeeze(means) + self.snr(snr_db[:, None] / DB_PER_UNIT))
        return features * self.excite(hidden).sigmoid()[..., None, None]


class SnrConv(nn.Module):
    """Convolution, channel norm, ReLU, attention-feature module; with a shortcut past them where the shape stays.

    Args:
        before, after: number of features.
        kernel: side of the kernel, odd.
        scale: "down" halves both sides (even ones), "up" doubles them, "same" keeps them.
    """

    def __init__(self, before: int, after: int, kernel: int, scale: str = "same") -> None:
        super().__init__()
        self.conv = convolution(before, after, kernel, scale)
        self.norm = ChannelNorm(after)
        self.attention = AttentionFeature(after)

    def forward(self, features: Features, snr_db: SnrDb) -> Float[Tensor, "batch after scaled_rows scaled_columns"]:
        """Apply one block."""
        refined = self.attention(F.relu(self.norm(self.conv(features))), snr_db)
        return features + refined if features.shape == refined.shape else refined


def convolution(before: int, after: int, kernel: int, scale: str = "same") -> nn.Module:
    """A convolution alone; see :class:`SnrConv`."""
    if scale == "up":
        return nn.ConvTranspose2d(before, after, kernel, 2, kernel // 2, output_padding=1)
    return nn.Conv2d(before, after, kernel, 2 if scale == "down" else 1, kernel // 2)

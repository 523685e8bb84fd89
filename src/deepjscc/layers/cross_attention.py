"""SNR-aware cross attention between the two images of a pair (S. Wang et al. 2022, sec. 3)."""

import math
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from deepjscc.layers.residual import zeroed
from deepjscc.types import SnrDb

LOWEST_DB, HIGHEST_DB = -3, 14  # quality tokens stand 1 dB apart
NOISELESS_DB = 100.0  # from here on a link counts as noiseless; what an infinite SNR is clamped to
MLP_FACTOR = 4
SHARPNESS = 1.5  # at first; the attention's logits are its square times sqrt(C) times the cosine of two places
TAKEN_OVER = 0.1  # of the other image's normalised features, at first

PairFeatures = Float[Tensor, "images width rows columns"]  # images 2i and 2i + 1 are a pair
Sequences = Float[Tensor, "images length width"]
Values = Literal["own", "other"]
Softmax = Literal["keys", "queries"]


class CrossAttention(nn.Module):
    """Recalibrates each map of a pair by the other: h2 of eqs. 4 to 6.

    A quality token of the image's SNR goes before its M vectors. Queries of one image meet keys of the other; what
    they weigh are the ``values`` of one of the two. The paper writes no subscripts there, and normalises "each column"
    of the attention: read literally that is ``values="own"``, ``softmax="queries"``.

    Maps larger than ``window`` are cut into windows of nearly equal size, each with its own counterpart alone, so that
    the cost grows with the area and not with its square. What moves farther than a window between the views is missed.

    Args:
        width: number of features, C.
        window: rows and columns of the largest map that is treated whole.
        heads: attentions side by side on parts of the features; the paper has 1.
        values: whose values are weighed.
        softmax: over the keys of a query, or over the queries of a key.
        position: learn a bias of the attention for every offset between two places; the paper has none.
    """

    def __init__(
        self,
        width: int,
        window: tuple[int, int],
        *,
        heads: int = 1,
        values: Values = "other",
        softmax: Softmax = "keys",
        position: bool = True,
    ) -> None:
        super().__init__()
        self.heads, self.values, self.softmax, self.window = heads, values, softmax, window
        self.tokens = nn.Parameter(0.02 * torch.randn(HIGHEST_DB - LOWEST_DB + 2, width))
        self.norm, self.mlp_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.key, self.value = (nn.Linear(width, width, bias=False) for _ in range(3))
        self.output = nn.Linear(width, width, bias=False)
        self.hidden = nn.Linear(width, MLP_FACTOR * width)
        self.back = zeroed(nn.Linear(MLP_FACTOR * width, width))
        self.offsets = nn.Parameter(_near_first(window).expand(heads, -1, -1).clone()) if position else None
        self._begin()

    @torch.no_grad()
    def _begin(self) -> None:
        """Start by looking for what is alike and taking over a little of it: from chance this takes long to find."""
        nn.init.orthogonal_(self.query.weight, gain=SHARPNESS)
        self.key.weight.copy_(self.query.weight)
        nn.init.orthogonal_(self.value.weight)
        self.output.weight.copy_(TAKEN_OVER * self.value.weight.T)

    def forward(
        self, features: PairFeatures, snr_db: SnrDb, gate: Float[Tensor, " images"] | None = None
    ) -> PairFeatures:
        """Exchange what the two maps of each pair know.

        Args:
            features: maps, those of a pair one after the other.
            snr_db: of each image's link; the nearest token is taken.
            gate: factor of what each image takes over from the other one; None takes it over whole.
        """
        tokens = self.tokens[token_index(snr_db)]
        rows = features.tensor_split(-(-features.shape[2] // self.window[0]), 2)
        done = []
        for strip in rows:
            windows = strip.tensor_split(-(-strip.shape[3] // self.window[1]), 3)
            done.append(torch.cat([self._exchange(window, tokens, gate) for window in windows], 3))
        return torch.cat(done, 2)

    def _exchange(
        self, features: PairFeatures, tokens: Float[Tensor, "images width"], gate: Float[Tensor, " images"] | None
    ) -> PairFeatures:
        """Exchange features within one whole window."""
        size = (features.shape[2], features.shape[3])
        vectors = torch.cat([tokens[:, None], features.flatten(2).mT], 1)
        taken_over = self.output(self._attend(self.norm(vectors), size))
        vectors = vectors + (taken_over if gate is None else taken_over * gate[:, None, None])
        vectors = vectors + self.back(F.relu(self.hidden(self.mlp_norm(vectors))))
        return vectors[:, 1:].mT.unflatten(2, size)

    def _attend(self, vectors: Sequences, size: tuple[int, int]) -> Sequences:
        """Weighed values, the heads side by side again."""
        queries, keys, values = (
            layer(vectors).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        keys = swap(keys)
        values = swap(values) if self.values == "other" else values
        bias = None if self.offsets is None else self._bias(self.offsets, size)
        if self.softmax == "keys":
            weighed = F.scaled_dot_product_attention(queries, keys, values, attn_mask=bias)
        else:
            scores = queries @ keys.mT / math.sqrt(queries.shape[-1])
            weighed = (scores if bias is None else scores + bias).softmax(-2) @ values
        return weighed.transpose(1, 2).flatten(2)

    def _bias(self, offsets: Float[Tensor, "heads down right"], size: tuple[int, int]) -> Float[Tensor, "heads q k"]:
        """The learned bias of every place for every other; none for tokens."""
        down, right = (torch.arange(side, device=offsets.device) for side in size)
        vertical = (down[:, None] - down[None] + self.window[0] - 1)[:, None, :, None]
        horizontal = (right[:, None] - right[None] + self.window[1] - 1)[None, :, None, :]
        places = offsets[:, vertical, horizontal].flatten(3, 4).flatten(1, 2)
        return F.pad(places, (1, 0, 1, 0))


def swap(images: Tensor) -> Tensor:
    """Each image's place taken by the other of its pair."""
    return images.unflatten(0, (-1, 2)).flip(1).flatten(0, 1)


def token_index(snr_db: SnrDb) -> Tensor:
    """Number of the quality token nearest to each SNR: one a dB, the last for a link without noise."""
    nearest = (snr_db.clamp(LOWEST_DB, HIGHEST_DB) - LOWEST_DB).round().long()
    return torch.where(snr_db >= NOISELESS_DB, HIGHEST_DB - LOWEST_DB + 1, nearest)


def _near_first(window: tuple[int, int]) -> Float[Tensor, "1 down right"]:
    """The bias at first: places near one another count more, rows more sharply than columns, as cameras stand level."""
    down, right = (torch.arange(1 - side, side).abs().float() for side in window)
    return -(down[:, None] + right[None] / 4)[None]

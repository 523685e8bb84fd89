"""`distributed_linear`: two cameras, one receiver, around the block-adaptive linear code.

S. Wang et al. (2022) learn everything anew; what a CPU can train of that stays far below a linear code on good links.
Here each camera sends as `universal` does, and the receiver's networks exchange what they know of the two views: by
the paper's cross attention between the blocks of the decoder, and by attention along the rows of the two pictures, as
rectified cameras allow, in the clean-up behind it.

Two pictures that do not show one scene would harm one another. With ``gated`` the receiver measures from the two LMMSE
estimates how well the views match along their rows, and multiplies everything that a view takes over by a gate that
closes where they do not (:mod:`deepjscc.layers.view_agreement`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from deepjscc.errors import UsageError
from deepjscc.layers.cross_attention import NOISELESS_DB, CrossAttention
from deepjscc.layers.parallax_attention import ParallaxAttention
from deepjscc.layers.residual import zeroed
from deepjscc.layers.view_agreement import AgreementGate
from deepjscc.models.block_code.closed_form import LmmseObservation
from deepjscc.models.block_code.code import BlockCode
from deepjscc.models.block_code.network_inputs import (
    LARGEST,
    LINK,
    LINK_AT_RECEIVER,
    NetworkInputs,
    values_at_decoder,
    values_at_encoder,
)
from deepjscc.models.block_code.networks import BLOCK, Networks, TrainedRange
from deepjscc.models.block_code.transform import Blocks
from deepjscc.models.block_code.trunk import CleanUp, Halved, Trunk, TrunkNetworks, halo_of
from deepjscc.models.distributed import PairJSCC
from deepjscc.types import Images, Received, Size

NOISELESS_FROM_DB = 40.0  # a header says no more than 43 dB, even of a link without noise
FINE = 2  # pixels a side of the places that the clean-up compares
EXCHANGE_AFTER = (1, 3)  # residual blocks of the decoder
MATCHED = 48  # length of what places are compared by
FUSED = 32  # features inside the fusion of a view with what the other one has of it


class Fusion(nn.Module):
    """A layer that adds to the clean-up's features what the other view shows of the same places; 0 at first.

    Args:
        features: of the clean-up.
        window: columns of half resolution that are searched together.
    """

    def __init__(self, features: int, window: int) -> None:
        super().__init__()
        pixels = 3 * FINE**2
        self.match = ParallaxAttention(pixels, features, MATCHED, window)
        self.enter = nn.Conv2d(2 * features + 2 * pixels, FUSED, 3, padding=1)
        self.leave = zeroed(nn.Conv2d(FUSED, features, 3, padding=1))

    def forward(
        self, features: Halved, images: Images, deviation: Images, gate: Float[Tensor, " images"] | None = None
    ) -> Halved:
        """Add to each view's features what the other view shows of the same places.

        Args:
            features: at half resolution, of a batch of pairs.
            images: their pictures.
            deviation: expected deviation of the pixels.
            gate: factor of what each image takes over; None takes it over whole.
        """
        shown, unsure = (F.pixel_unshuffle(each, FINE) for each in (images - 0.5, deviation.clamp_min(1e-3)))
        moved = self.match(shown, features, torch.cat([features, shown, unsure.log()], 1))
        theirs, seen, doubt = moved.split([features.shape[1], shown.shape[1], shown.shape[1]], 1)
        differs = ((seen - shown) / unsure).clamp(-LARGEST, LARGEST)
        fused = self.enter(torch.cat([features, theirs, differs, doubt - unsure.log()], 1))
        taken_over = self.leave(F.silu(fused))
        return features + (taken_over if gate is None else taken_over * gate[:, None, None, None])


@dataclass(frozen=True)
class JointNetworks:
    """The networks of `universal`, whose decoder exchanges what it knows of the two views of a pair.

    Attributes:
        alone: networks of each view by itself.
        exchange: cross attentions, each behind one of the decoder's blocks :data:`EXCHANGE_AFTER`.
        fusion: adds to the clean-up's features what the other view shows of the same places.
        gate: how much a view takes over from the other; None: all of it.
    """

    alone: TrunkNetworks
    exchange: nn.ModuleList
    fusion: Fusion
    gate: AgreementGate | None

    def encoder_residual(self, inputs: NetworkInputs, outer: Blocks) -> Blocks:
        """Compute the encoder's residual of each view by itself."""
        return self.alone.encoder_residual(inputs, outer)

    def decoder_refine(self, inputs: NetworkInputs, observation: LmmseObservation) -> Images:
        """Correct coefficients and pixels as `universal` does, with an exchange between the views of each pair."""
        snr_db, decoder, clean_up = inputs.plan.snr_db, self.alone.decoder, self.alone.clean_up
        seen = inputs.at_decoder(observation)
        features, condition_features = decoder.begin(seen, inputs.link_at_receiver(), inputs.columns)
        gate = None
        if self.gate is not None:
            gate = self.gate(inputs.transform.to_pixels(observation.estimate, inputs.columns).detach(), snr_db)
        quality = torch.where(snr_db >= NOISELESS_FROM_DB, NOISELESS_DB, snr_db)
        for index, block in enumerate(decoder.blocks):
            features = block(features, condition_features)
            if index in EXCHANGE_AFTER:
                features = self.exchange[EXCHANGE_AFTER.index(index)](features, quality, gate)
        rough, spread = inputs.rough_picture(observation, decoder.end(features).float())
        fine = self.fusion(clean_up.begin(rough, spread), rough, spread, gate)
        return rough + clean_up.end(fine).float() * spread * observation.weight[..., None]


class DistributedLinear(PairJSCC, BlockCode):
    """See the module's docstring; any size and bandwidth ratio, encoding and side information of `linear`.

    A batch holds the two images of each pair one after the other, the left camera's first. If not ``joint`` the model
    is `universal`, and takes any batch.

    Args:
        width, encoder_depth, decoder_depth, clean_width, classes: of `universal`.
        joint: decode the two images of a pair together.
        window_rows, window_columns: of the features at 1/8 resolution that are exchanged whole; larger maps are cut.
            Rows are searched over four times as many columns of half resolution.
        gated: let a view take over from the other only as much as the two match.

    Raises:
        UsageError: a joint decoder too shallow to exchange anything, or no window.
    """

    kind: ClassVar[str] = "distributed_linear"
    default_ratio = 20 / 384
    starts_from = ("linear", "universal")
    trained = TrainedRange((-3.0, 14.0), (20 / 384, 20 / 384), noiseless_from_db=NOISELESS_FROM_DB)

    def __init__(
        self,
        width: int = 96,
        encoder_depth: int = 3,
        decoder_depth: int = 5,
        clean_width: int = 24,
        classes: int = 16,
        joint: bool = True,
        window_rows: int = 16,
        window_columns: int = 32,
        gated: bool = False,
    ) -> None:
        super().__init__(BLOCK, classes)
        self.config = {
            "classes": classes,
            "width": width,
            "encoder_depth": encoder_depth,
            "decoder_depth": decoder_depth,
            "clean_width": clean_width,
            "joint": joint,
            "window_rows": window_rows,
            "window_columns": window_columns,
            "gated": gated,
        }
        self.joint, values = joint, len(self.mean)
        self.encoder = Trunk(values_at_encoder(values, classes), width, encoder_depth, LINK, values)
        self.decoder = Trunk(values_at_decoder(values, classes), width, decoder_depth, LINK_AT_RECEIVER, values)
        self.clean_up = CleanUp(clean_width)
        self.halo = halo_of(encoder_depth, decoder_depth)
        if joint and (decoder_depth <= max(EXCHANGE_AFTER) or min(window_rows, window_columns) < 1):
            raise UsageError(
                f"distributed_linear exchanges behind blocks {EXCHANGE_AFTER} of the decoder, in windows: no "
                f"decoder_depth {decoder_depth} and windows of {window_rows}x{window_columns}"
            )
        if joint:
            self.export_obstacle = (
                "the graphs of block codes take one view; export distributed-joint or distributed-linear-alone"
            )
            window = (window_rows, window_columns)
            self.exchange = nn.ModuleList(CrossAttention(width, window) for _ in EXCHANGE_AFTER)
            self.fusion = Fusion(clean_width, 4 * window_columns)
            self.gate = AgreementGate() if gated else None

    @property
    def networks(self) -> Networks:
        """The networks of `universal` and, where pairs are decoded together, the exchange between the views."""
        alone = TrunkNetworks(self.encoder, self.decoder, self.clean_up)
        return JointNetworks(alone, self.exchange, self.fusion, self.gate) if self.joint else alone

    def decode_rows(self, received: Received, size: Size) -> Iterator[Images]:
        """Received symbols to images strip by strip, pairs together; see :meth:`deepjscc.models.Linear.decode`.

        Raises:
            UsageError: an odd number of images for a model that decodes pairs, or wrong symbols.
        """
        self.check_pairs(received)
        yield from super().decode_rows(received, size)

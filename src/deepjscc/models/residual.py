"""`residual`: a pair of networks a stage, each sending what the earlier ones left (Kurka and Gündüz 2019, sec. 4)."""

from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor, nn

from deepjscc.channels import AWGN
from deepjscc.equaliser import equalise
from deepjscc.images import pad_to_multiple
from deepjscc.layers import autoencoder
from deepjscc.models.base import JSCC
from deepjscc.models.cnn import Cnn
from deepjscc.models.staged import Staged, stage_symbols
from deepjscc.seeds import generator
from deepjscc.types import Encoded, Images, LinkPlan, Received, Size, Symbols

RECEPTIONS = 10  # simulated by a transmitter without feedback; a hundred more gain under 0.1 dB
Residuals = Images  # of that shape, but in [-1, 1]
Estimate = Callable[[int, Symbols], Residuals]


class Residual(Staged):
    """Stage 1 sends the image, each further stage the image minus the sum of what the receiver made of those before.

    Pairs are trained one after another: only the last one learns here, the earlier ones come trained, and a stage is
    added without touching them. The first pair is a `cnn`; further encoders take residuals, further decoders end
    linear. The picture is the clipped sum of what the stages gave.

    Args:
        stages: L.
        filters: c of each stage, bandwidth ratio c / 96 each.
    """

    kind: ClassVar[str] = "residual"
    export_obstacle = (
        "its encoder simulates receptions, with noise, between the networks; export a single_decoder or "
        "multiple_decoders model"
    )

    def __init__(self, stages: int = 2, filters: int = 8) -> None:
        super().__init__(stages, filters)
        self.encoders = nn.ModuleList(autoencoder.encoder(filters) for _ in range(stages))
        self.decoders = nn.ModuleList(autoencoder.decoder(filters, linear=stage > 0) for stage in range(stages))
        for network in (*self.encoders[:-1], *self.decoders[:-1]):
            network.requires_grad_(False)

    def encode_stage(self, stage: int, residuals: Residuals) -> Symbols:
        """Encode padded residuals, or the image itself for stage 0, to the symbols of a stage."""
        network = self.encoders[stage]
        assert isinstance(network, nn.Sequential)
        return stage_symbols(autoencoder.encode(network, residuals).flatten(1).float(), 1)

    def decode_stage(self, stage: int, symbols: Symbols, size: Size) -> Residuals:
        """Decode a stage's symbols to its summand of the picture, at the padded size."""
        network = self.decoders[stage]
        assert isinstance(network, nn.Sequential)
        return autoencoder.decode(network, self.features(symbols, 1, size))

    def encode_by(self, images: Images, estimate: Estimate) -> Symbols:
        """Encode padded images to the symbols of all stages.

        Args:
            images: values in [0, 1].
            estimate: given a stage and its symbols, what the receiver is thought to have made of them.
        """
        residuals, sent = images, []
        for stage in range(self.stages):
            sent.append(self.encode_stage(stage, residuals))
            if stage + 1 < self.stages:
                residuals = residuals - estimate(stage, sent[-1])
        return torch.cat(sent, 1)

    def encode(self, images: Images, plan: LinkPlan) -> Encoded:
        """Images to the symbols of all stages, with ten receptions over AWGN simulated; see :meth:`JSCC.encode`.

        :class:`deepjscc.systems.progressive.ResidualLink` knows the channel, and other ways to estimate.
        """
        size = (images.shape[-2], images.shape[-1])
        self.check_ratio(size, plan.bandwidth_ratio)
        padded = pad_to_multiple(images, self.stride)
        draws = generator("simulated receptions")

        def estimate(stage: int, symbols: Symbols) -> Residuals:
            def receive(symbols: Symbols) -> Received:
                return equalise(AWGN()(symbols, plan.design_snr_db, generator=draws), csi=None)

            return self.simulate(stage, symbols, (padded.shape[-2], padded.shape[-1]), receive, RECEPTIONS)

        return Encoded(self.encode_by(padded, estimate), ((),) * len(images))

    @torch.no_grad()
    def simulate(
        self, stage: int, symbols: Symbols, size: Size, receive: Callable[[Symbols], Received], count: int
    ) -> Residuals:
        """Average what the receiver would make of a stage over ``count`` simulated receptions."""
        total = torch.zeros(len(symbols), 3, *size, device=symbols.device)
        for _ in range(count):
            total += self.decode_stage(stage, receive(symbols).symbols, size)
        return total / count

    def reconstruct(self, symbols: Symbols, size: Size) -> Images:
        """Sum what each stage gave, clipped to [0, 1]."""
        each = self.stage_uses(size)
        parts = symbols.split(each, dim=1)[: self.complete_stages(symbols.shape[1], size)]
        return torch.stack([self.decode_stage(i, part, size) for i, part in enumerate(parts)]).sum(0).clamp(0, 1)

    def weights_from(self, other: JSCC) -> dict[str, Tensor] | None:
        """Take over a `cnn` as the first pair."""
        if not isinstance(other, Cnn):
            return None
        pairs = {"encoders.0": other.encoder, "decoders.0": other.decoder}
        return {f"{place}.{name}": value for place, net in pairs.items() for name, value in net.state_dict().items()}

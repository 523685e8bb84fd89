"""`single_decoder`: one encoder and one decoder; what has not arrived is zeros (Kurka and Gündüz 2019, sec. 5)."""

import copy
from typing import ClassVar

import torch
from torch.nn import functional as F

from deepjscc.errors import UsageError
from deepjscc.layers import autoencoder
from deepjscc.models.base import JSCC
from deepjscc.models.staged import Staged
from deepjscc.types import Images, Latent, Size, SnrDb, Symbols


class SingleDecoder(Staged):
    """The received code's tail masked with zeros; in training after a number of stages drawn for every batch.

    Any prefix decodes. Trained at the stages' borders it is best there; with ``any_prefix`` the draw is uniform over
    every number of symbols, and the picture refines with each of them.

    Args:
        stages: L.
        filters: c of each stage, bandwidth ratio c / 96 each.
        any_prefix: train with prefixes of any length.
    """

    kind: ClassVar[str] = "single_decoder"
    encoder_uses_snr: ClassVar[bool] = False
    starts_from = ("cnn",)  # whose networks have the same form

    def __init__(self, stages: int = 2, filters: int = 8, any_prefix: bool = False) -> None:
        super().__init__(stages, filters, any_prefix=any_prefix)
        self.encoder = autoencoder.encoder(stages * filters)
        self.any_prefix = any_prefix
        self._draw = 0.0  # in [0, 1): which prefix a training step decodes
        self.decoder = autoencoder.decoder(stages * filters)

    def analyse(self, images: Images, snr_db: SnrDb) -> Latent:
        """Pixels to the latent of all stages; this network is not conditioned on the SNR."""
        return autoencoder.encode(self.encoder, images).flatten(1).float()

    def reconstruct(self, symbols: Symbols, size: Size) -> Images:
        """Decode with the one decoder, with zeros for the symbols that are missing."""
        if not symbols.shape[1]:
            raise UsageError(f"nothing of the image of {size[1]}x{size[0]} has arrived")
        masked = F.pad(torch.view_as_real(symbols), (0, 0, 0, self.uses(size) - symbols.shape[1]))
        features = self.features(torch.view_as_complex(masked), self.stages, size)
        return autoencoder.decode(self.decoder, features)

    def synthesise_stages(self, latent: Latent, stages: int, size: Size, snr_db: SnrDb) -> Images:
        """The latent of all stages, zeros for what is missing; see :meth:`JSCC.synthesise_stages`."""
        return autoencoder.decode(self.decoder, self.as_features(latent, stages, size))

    def sample_training_variant(self, generator: torch.Generator | None) -> JSCC:
        """Draw the prefix that this training step decodes."""
        variant = copy.copy(self)
        variant._draw = float(torch.rand((), generator=generator))
        return variant

    def training_ends(self, size: Size) -> tuple[int, ...]:
        """The one prefix that was drawn."""
        lengths = range(1, self.uses(size) + 1) if self.any_prefix else self.borders(size)
        return (lengths[int(self._draw * len(lengths))],)

"""`multiple_decoders`: one encoder for all stages, a decoder for each number of them (Kurka, Gündüz 2019, sec. 3)."""

from typing import ClassVar

from torch import Tensor, nn

from deepjscc.layers import autoencoder
from deepjscc.models.base import JSCC
from deepjscc.models.cnn import Cnn
from deepjscc.models.staged import Staged
from deepjscc.types import Images, Latent, Size, SnrDb, Symbols


class MultipleDecoders(Staged):
    """Decoder i sees the first i stages; all are trained together, the loss the mean over them (eq. 1).

    Args:
        stages: L.
        filters: c of each stage, bandwidth ratio c / 96 each.
    """

    kind: ClassVar[str] = "multiple_decoders"
    encoder_uses_snr: ClassVar[bool] = False

    def __init__(self, stages: int = 2, filters: int = 8) -> None:
        super().__init__(stages, filters)
        self.encoder = autoencoder.encoder(stages * filters)
        self.decoders = nn.ModuleList(autoencoder.decoder(stage * filters) for stage in range(1, stages + 1))

    def analyse(self, images: Images, snr_db: SnrDb) -> Latent:
        """Pixels to the latent of all stages; this network is not conditioned on the SNR."""
        return autoencoder.encode(self.encoder, images).flatten(1).float()

    def reconstruct(self, symbols: Symbols, size: Size) -> Images:
        """Decode with the decoder for the number of stages that arrived whole."""
        stages = self.complete_stages(symbols.shape[1], size)
        features = self.features(symbols[:, : stages * self.stage_uses(size)], stages, size)
        decoder = self.decoders[stages - 1]
        assert isinstance(decoder, nn.Sequential)
        return autoencoder.decode(decoder, features)

    @property
    def decoder_stages(self) -> tuple[int, ...]:
        """Every number of stages has a decoder of its own."""
        return tuple(range(1, self.stages + 1))

    def synthesise_stages(self, latent: Latent, stages: int, size: Size, snr_db: SnrDb) -> Images:
        """The latent of so many stages, by the decoder for that number; see :meth:`JSCC.synthesise_stages`."""
        decoder = self.decoders[stages - 1]
        assert isinstance(decoder, nn.Sequential)
        return autoencoder.decode(decoder, self.as_features(latent, stages, size))

    def weights_from(self, other: JSCC) -> dict[str, Tensor] | None:
        """Take over a `cnn`: its encoder, and its decoder for every number of stages."""
        if not isinstance(other, Cnn):
            return None
        theirs = {f"encoder.{name}": value for name, value in other.encoder.state_dict().items()}
        for name, value in other.decoder.state_dict().items():
            theirs |= {f"decoders.{stage}.{name}": value for stage in range(self.stages)}
        return theirs

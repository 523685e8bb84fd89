"""`cnn`: the original deep JSCC autoencoder (Bourtsoulatze, Kurka, Gündüz 2019), convolutional or fully connected."""

from typing import ClassVar

from torch import nn

from deepjscc.errors import UsageError
from deepjscc.layers import autoencoder
from deepjscc.models.base import JSCC
from deepjscc.types import Images, Latent, Size, SnrDb


class Cnn(JSCC):
    """Five convolutions and their mirror, 5x5 kernels, PReLU, sigmoid at the end (the paper's Fig. 2).

    Args:
        filters: c of the fifth convolution. Without ``dense_reals`` its output is the latent (the journal's form):
            c reals per 4x4 pixels, so bandwidth ratio c / 96, for any image size.
        dense_reals: outputs of a fully connected layer behind it (the conference's form), the k of Fig. 3 for real
            uses and 2k for complex ones; fixes the image size to 32x32.
    """

    kind: ClassVar[str] = "cnn"
    encoder_uses_snr: ClassVar[bool] = False
    stride = autoencoder.STRIDE
    DENSE_SIZE = 32

    def __init__(self, filters: int = 16, dense_reals: int | None = None) -> None:
        super().__init__(filters=filters, dense_reals=dense_reals)
        if filters < 1 or (dense_reals is not None and dense_reals < 1):
            raise UsageError(f"cnn needs at least one filter and one latent real, not {filters} and {dense_reals}")
        self.filters, self.dense_reals = filters, dense_reals
        self.fixed_size = None if dense_reals is None else (self.DENSE_SIZE, self.DENSE_SIZE)
        self.encoder = autoencoder.encoder(filters, bend_last=dense_reals is not None)
        self.decoder = autoencoder.decoder(filters)
        grid = filters * (self.DENSE_SIZE // self.stride) ** 2
        self.encoder_dense = nn.Linear(grid, dense_reals) if dense_reals else nn.Identity()
        self.decoder_dense = nn.Linear(dense_reals, grid) if dense_reals else nn.Identity()

    def latent_reals(self, size: Size) -> int:
        """c per 4x4 pixels, or the width of the dense layer."""
        if self.dense_reals is None:
            return self.filters * (size[0] // self.stride) * (size[1] // self.stride)
        if size != (self.DENSE_SIZE, self.DENSE_SIZE):
            raise UsageError(f"the fully connected cnn takes 32x32 images, not {size[1]}x{size[0]}")
        return self.dense_reals

    def analyse(self, images: Images, snr_db: SnrDb) -> Latent:
        """Pixels to the latent; this network is not conditioned on the SNR."""
        self.latent_reals((images.shape[-2], images.shape[-1]))
        return self.encoder_dense(autoencoder.encode(self.encoder, images).flatten(1)).float()

    def synthesise(self, latent: Latent, size: Size, snr_db: SnrDb) -> Images:
        """The received latent to pixels."""
        grid = (-1, self.filters, size[0] // self.stride, size[1] // self.stride)
        return autoencoder.decode(self.decoder, self.decoder_dense(latent).reshape(grid))

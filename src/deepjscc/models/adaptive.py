"""`adaptive`: the SNR-adaptive convolutional autoencoder of the three-approaches report (its sec. 3.2).

Rates below the full one come by masking: the first channels of the latent are sent, the others are zeros at the
receiver (the report's future work).
"""

import copy
import warnings
from typing import ClassVar, get_args

import torch
from torch import nn
from torch.nn import functional as F

from deepjscc.errors import DeepJSCCWarning, UsageError
from deepjscc.images import crop, pad_to_multiple, padded_size
from deepjscc.layers.initialise import preserve_variance
from deepjscc.layers.snr_stage import Conditioning, downwards, upwards
from deepjscc.models.base import JSCC
from deepjscc.symbols import channel_uses, normalise_power, to_latent, to_symbols
from deepjscc.types import Encoded, Images, Latent, LinkPlan, Received, Size, SnrDb

LOWEST_SNR_DB, HIGHEST_SNR_DB = -2.0, 20.0  # that the report trains for
DIVERGENCE_WEIGHT = 1e-3
IMAGE_GAIN = 0.5  # of the last convolution at first: pictures start near grey, where the sigmoid is steep


class Adaptive(JSCC):
    """Four stages of stride two to the latent at 1/16, four back; a sigmoid at the end.

    Args:
        width: features after the first stage, twice that after the second, four times after the third: 64 in the
            report.
        latent: channels of the latent; 192 make bandwidth ratio 1/8.
        conditioning: `gate`, the report's, or `film`.
        variational: a latent drawn in training, held to a unit Gaussian by its divergence: the report's earlier
            version, whose PSNR did not depend on the SNR.
        lowest_snr_db: the lowest SNR that the networks are trained for; below it they are conditioned on this one.
    """

    kind: ClassVar[str] = "adaptive"
    stride = 16

    def __init__(
        self,
        width: int = 64,
        latent: int = 192,
        conditioning: Conditioning = "gate",
        variational: bool = False,
        lowest_snr_db: float = LOWEST_SNR_DB,
    ) -> None:
        super().__init__(
            width=width,
            latent=latent,
            conditioning=conditioning,
            variational=variational,
            lowest_snr_db=float(lowest_snr_db),
        )
        if width < 1 or latent < 2 or latent % 2 or conditioning not in get_args(Conditioning):
            raise UsageError(f"adaptive takes no width {width}, latent {latent} and conditioning {conditioning!r}")
        if not lowest_snr_db < HIGHEST_SNR_DB:
            raise UsageError(f"adaptive is trained up to {HIGHEST_SNR_DB:g} dB: its lowest_snr_db must be below that")
        self.latent, self.variational, self.lowest_snr_db = latent, variational, float(lowest_snr_db)
        self._draws: torch.Generator | None = None  # of the latent, in a step of training
        widths = (width, 2 * width, 4 * width, latent)
        self.encoder = downwards((3, *widths[:-1], 2 * latent if variational else latent), 1, conditioning)
        self.decoder = upwards((*widths[::-1], width), 1, conditioning)
        self.to_image = nn.Conv2d(width, 3, 3, padding=1)
        if conditioning == "gate":
            preserve_variance(self.to_image, gain=IMAGE_GAIN)

    def latent_reals(self, size: Size) -> int:
        """Number of reals in all channels at 1/16 of the resolution."""
        return self.latent * self._places(size)

    def analyse(self, images: Images, snr_db: SnrDb) -> Latent:
        """Pixels to all channels; of a variational latent the mean."""
        return self._posterior(images, snr_db)[0].flatten(1)

    def synthesise(self, latent: Latent, size: Size, snr_db: SnrDb) -> Images:
        """Decode all channels to pixels."""
        grid = latent.unflatten(1, (self.latent, size[0] // self.stride, size[1] // self.stride))
        return self.to_image(self.decoder(grid, condition(snr_db, self.lowest_snr_db))).float().sigmoid()

    def encode(self, images: Images, plan: LinkPlan) -> Encoded:
        """Images to the first channels of the latent, as many as the ratio pays for; see :meth:`JSCC.encode`."""
        size = (images.shape[-2], images.shape[-1])
        features, deviation = self._posterior(pad_to_multiple(images, self.stride), plan.design_snr_db)
        if deviation is not None and self._draws is not None:
            features = features + deviation * torch.randn(deviation.shape, generator=self._draws).to(deviation)
        sent = self.channels_sent(size, plan.bandwidth_ratio)
        return Encoded(normalise_power(to_symbols(features[:, :sent].flatten(1))), ((),) * len(images))

    def decode(self, received: Received, size: Size) -> Images:
        """See :meth:`JSCC.decode`; the channels that were not sent are zeros."""
        padded = padded_size(size, self.stride)
        places = self._places(padded)
        channels, rest = divmod(2 * received.symbols.shape[1], places)
        if rest > 1 or not 0 < channels <= self.latent:
            raise UsageError(
                f"{received.symbols.shape[1]} symbols are not an image of {size[1]}x{size[0]} by {self.kind}"
            )
        latent = to_latent(received.symbols, channels * places)
        latent = F.pad(latent, (0, (self.latent - channels) * places))
        return crop(self.synthesise(latent, padded, received.conditioning_snr_db()), size)

    def sample_training_variant(self, generator: torch.Generator | None) -> JSCC:
        """The model as a training step has it: with a variational latent that is drawn."""
        other = copy.copy(self)
        other._draws = generator
        return other

    def penalty(self, images: Images, snr_db: SnrDb) -> torch.Tensor:
        """Return a variational latent's divergence from a unit Gaussian, in nats a value, times its weight."""
        if not self.variational:
            return images.new_zeros(())
        mean, deviation = self._posterior(pad_to_multiple(images, self.stride), snr_db)
        assert deviation is not None
        divergence = 0.5 * (mean.square() + deviation.square() - 1) - deviation.log()
        return DIVERGENCE_WEIGHT * divergence.mean()

    def _posterior(self, images: Images, snr_db: SnrDb) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return padded images' latent, ``[batch, channels, rows, columns]``, and a variational one's deviation."""
        features = self.encoder(images - 0.5, condition(snr_db, self.lowest_snr_db)).float()
        if not self.variational:
            return features, None
        mean, log_variance = features.chunk(2, 1)
        return mean, (log_variance / 2).clamp(-10, 10).exp()

    def channels_sent(self, size: Size, bandwidth_ratio: float | None) -> int:
        """Channels of the latent that a ratio pays for, rounded to whole ones.

        Raises:
            UsageError: more than there are, or less than one.
        """
        if bandwidth_ratio is None:
            return self.latent
        places = self._places(padded_size(size, self.stride))
        channels = round(2 * channel_uses(size, bandwidth_ratio) / places)
        if not 0 < channels <= 1.02 * self.latent:  # padding of odd sizes moves the ratio a little
            most = self.latent_reals(padded_size(size, self.stride)) / (6 * size[0] * size[1])
            raise UsageError(f"this {self.kind} sends at bandwidth ratios up to {most:.4f}, not {bandwidth_ratio:.4f}")
        return min(channels, self.latent)

    def _places(self, padded: Size) -> int:
        return (padded[0] // self.stride) * (padded[1] // self.stride)


def condition(snr_db: SnrDb, lowest_snr_db: float = LOWEST_SNR_DB) -> torch.Tensor:
    """Compute the networks' input for an SNR, ``[batch, 1]``: -1 at -2 dB and 1 at 20 dB, linear in dB.

    Args:
        snr_db: of each image.
        lowest_snr_db: the lowest SNR of training; the highest is 20 dB.

    Warns:
        DeepJSCCWarning: an SNR outside that range; the nearest one inside is used.
    """
    low, high = lowest_snr_db, HIGHEST_SNR_DB
    if not torch.compiler.is_compiling() and ((snr_db < low) | (snr_db > high)).any():
        note = f"trained for {low:g} to {high:g} dB: at SNRs outside, the networks are conditioned on the nearest"
        warnings.warn(note, DeepJSCCWarning, stacklevel=2)
    return (snr_db.clamp(low, high)[:, None] - 9) / 11

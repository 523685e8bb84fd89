"""`diffusion`: a refiner of the pictures that a link delivers, a conditional denoising diffusion model (DDPM).

What it models is the residual of a link's picture, given that picture and the SNR (Ho et al. 2020; the conditions by
concatenation and by embedding). Sampled by DDIM (Song et al. 2021): one step is about the mean of what the original
may have been; more steps draw one that may have been it, with texture that a mean lacks. The first step goes from pure
noise to that mean, the others start at :data:`DRAWN_FROM` with its noise on top: what a small network would draw at
higher noise looks less like the original than the mean does. Network and forward process are those of `diffusers`.
"""

from typing import Any, ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.images import crop, pad_to_multiple
from deepjscc.types import Images, SnrDb

PATCH = 2  # pixels a side that the network takes together
STEPS = 1000  # of the forward process
DRAWN_FROM = 400  # the time that all steps of sampling but the first share evenly
LAST_SHARE = 0.25  # of the training at its end, pure noise: all that a single step of sampling sees
SNR_RANGE_DB = (-8.0, 24.0)
LEVEL_DB, SLOPE = 26.5, 0.62  # PSNR at 0 dB of the links that it refines, and what a dB of SNR adds to it


class Diffusion(nn.Module):
    """A denoiser of residuals; not a link but what comes behind one.

    Args:
        width: features at 1/2 of the resolution, twice as many below.
        depth: number of resolutions.
        layers: residual blocks at each.
        refines: the links it was trained for: name and first digits of the SHA-256 of their weights.

    Raises:
        UsageError: widths that groups of features do not divide.
        DeepJSCCError: diffusers is not installed.
    """

    kind: ClassVar[str] = "diffusion"

    def __init__(self, width: int = 32, depth: int = 3, layers: int = 1, refines: dict[str, str] | None = None) -> None:
        super().__init__()
        if width < 1 or width % 8 or depth < 1 or layers < 1:
            raise UsageError(
                f"diffusion takes a width that 8 divides, not {width}, and a depth and layers of at least 1"
            )
        try:
            from diffusers.models.unets.unet_2d import UNet2DModel
            from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
        except ModuleNotFoundError as error:
            raise DeepJSCCError(f"diffusion needs {error.name}: pip install 'deepjscc[diffusion]'") from None
        widths = (width,) + (2 * width,) * (depth - 1)
        self.refines = dict(refines or {})
        self.config: dict[str, Any] = {"width": width, "depth": depth, "layers": layers, "refines": self.refines}
        self.stride = PATCH * 2 ** (len(widths) - 1)
        values = 3 * PATCH**2
        self.network = UNet2DModel(
            in_channels=2 * values,
            out_channels=values,
            block_out_channels=widths,
            layers_per_block=layers,
            down_block_types=("DownBlock2D",) * len(widths),
            up_block_types=("UpBlock2D",) * len(widths),
            norm_num_groups=8,
            add_attention=False,
            class_embed_type="timestep",  # the SNR is embedded as time is
        )
        self.forward_process = DDPMScheduler(
            num_train_timesteps=STEPS, beta_schedule="squaredcos_cap_v2", prediction_type="v_prediction"
        )

    def guess(
        self, images: Images, first: Images, snr_db: SnrDb, generator: torch.Generator | None
    ) -> tuple[Float[Tensor, ""], Images]:
        """Return what a training step learns from: the velocity's error, and estimates of the original pictures.

        The error is the mean square at a time drawn for each image (Salimans & Ho 2022, for DDPM's noise). A share of
        the times is the last one, which a single step of sampling starts and ends at.

        Args:
            images: what was sent, sides multiples of :attr:`stride`.
            first: what a link made of it.
            snr_db: of the link.
            generator: of times and noise.
        """
        residual = (images - first) / _deviation(snr_db)
        times = torch.randint(STEPS, (len(images),), generator=generator)
        times = times.where(torch.rand(len(images), generator=generator) > LAST_SHARE, STEPS - 1).to(images.device)
        noise = torch.randn(images.shape, generator=generator).to(images.device)
        noisy: Tensor = self.forward_process.add_noise(residual, noise, times)
        target = self.forward_process.get_velocity(residual, noise, times)
        velocity = self.velocity(noisy, first, times, snr_db)
        kept = self.forward_process.alphas_cumprod.to(images)[times][:, None, None, None]
        implied = kept.sqrt() * noisy - (1 - kept).sqrt() * velocity
        return (velocity - target).square().mean(), first + implied * _deviation(snr_db)

    def velocity(self, noisy: Images, first: Images, times: Int[Tensor, " batch"], snr_db: SnrDb) -> Images:
        """Estimate the velocity of a noisy residual at a time of the process."""
        level = 2 * (first - 0.5) / 0.5
        seen = F.pixel_unshuffle(torch.cat([noisy, level], 1), PATCH).contiguous(memory_format=torch.channels_last)
        scaled_snr = 10 * (snr_db.clamp(*SNR_RANGE_DB) - SNR_RANGE_DB[0])
        return F.pixel_shuffle(self.network(seen, times, scaled_snr).sample.float(), PATCH)

    @torch.no_grad()
    def refine(self, first: Images, snr_db: SnrDb, steps: int, generator: torch.Generator | None = None) -> Images:
        """A picture drawn given a link's.

        Args:
            first: what the link made.
            snr_db: of the link.
            steps: DDIM steps, 1 to 1000.
            generator: of the noise it starts from.

        Raises:
            UsageError: a number of steps that cannot be.
        """
        if not 1 <= steps <= STEPS:
            raise UsageError(f"diffusion makes 1 to {STEPS} steps, not {steps}")
        padded = pad_to_multiple(first, self.stride)
        residual = torch.randn(padded.shape, generator=generator).to(padded)
        times = _times(steps)
        for time, later in zip(times, [*times[1:], None], strict=True):
            residual = self._ddim_step(residual, padded, snr_db, time, later)
        refined = padded + residual * _deviation(snr_db)
        return crop(refined, (first.shape[-2], first.shape[-1])).clamp(0, 1)

    def _ddim_step(self, noisy: Images, first: Images, snr_db: SnrDb, time: int, later: int | None) -> Images:
        """Step from a residual with one time's noise to the next step's; None means no noise (their eq. 12, σ = 0).

        Written out as the scheduler of `diffusers` knows even steps only.
        """
        velocity = self.velocity(noisy, first, torch.full((len(first),), time, device=first.device), snr_db)
        kept = self.forward_process.alphas_cumprod[time]
        residual = kept.sqrt() * noisy - (1 - kept).sqrt() * velocity
        if later is None:
            return residual
        noise = (1 - kept).sqrt() * noisy + kept.sqrt() * velocity
        kept = self.forward_process.alphas_cumprod[later]
        return kept.sqrt() * residual + (1 - kept).sqrt() * noise


def _times(steps: int) -> list[int]:
    """Return the times of so many sampling steps: the last one, then evenly from :data:`DRAWN_FROM` down.

    More steps than there are times below start higher.
    """
    start = max(DRAWN_FROM, steps - 1)
    return [STEPS - 1, *(round(start * left / (steps - 1)) for left in range(steps - 1, 0, -1))]


def _deviation(snr_db: SnrDb) -> Float[Tensor, "batch 1 1 1"]:
    """About what a link's pictures are off by, so that residuals have about unit variance."""
    psnr_db = LEVEL_DB + SLOPE * snr_db.clamp(*SNR_RANGE_DB)
    return (10 ** (-psnr_db / 20))[:, None, None, None]

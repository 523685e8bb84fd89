"""The wireless channel: symbols in, what reaches the receiver's antenna out. It is physics alone."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from deepjscc.channels.output import ChannelOutput
from deepjscc.errors import UsageError
from deepjscc.types import Gain, SnrDb, Symbols
from deepjscc.units import awgn_capacity, noise_variance, snr_per_image

Coherence = Literal["image", "symbol"]
Csi = Literal["none", "receiver", "estimated"]


class Channel(nn.Module):
    """y = h z + n with n ~ CN(0, N0): N0/2 per real part, N0 = 10^(-snr_db / 10) as the symbols have mean power 1.

    A channel of one's own overrides :meth:`draw_gain` (and :meth:`capacity` where an ideal code sees more than the
    average SNR), or :meth:`forward` as a whole.

    Attributes:
        coherence: "image" holds one gain per image (slow fading), "symbol" one per symbol (fast); None: no fading.
        csi: what the receiver knows of the gain: told by the channel ("receiver"), estimated from pilots ("estimated"),
            or nothing ("none"); None where there is no gain to know. The channel itself does not use it:
            :func:`deepjscc.equaliser.equalise` does.
        fade_depth_db: how far below the nominal SNR, in dB, the channel of a small image falls once in twenty images;
            0 where it does not fade, or fades faster than an image.
        in_order: whether symbols pass one after another in their order, so that a receiver that stops early has the
            first ones.
    """

    coherence: Coherence | None = None
    csi: Csi | None = None
    fade_depth_db: float = 0.0
    in_order: bool = True

    def fade_offsets_db(self) -> tuple[float, ...]:
        """Equally likely SNRs of an image relative to the nominal one, in dB: quantiles of slow fading, else 0."""
        return (0.0,)

    def pilot_uses(self, uses: int) -> int:
        """Complex uses that the channel spends on pilots beside ``uses`` symbols of one image."""
        return 0

    def data_uses(self, uses: int) -> int:
        """Return the largest number of symbols that, with their pilots, take at most ``uses`` complex uses."""
        return uses

    def draw_gain(self, batch: int, uses: int, generator: torch.Generator | None = None) -> Gain | None:
        """Draw h, ``[batch, 1]`` or ``[batch, uses]``; None means h = 1, known to all."""
        return None

    def __call__(
        self,
        symbols: Tensor,
        snr_db: Tensor | float,
        *,
        gain: Gain | None = None,
        generator: torch.Generator | None = None,
    ) -> ChannelOutput:
        """Check what a caller passes, then :meth:`forward`.

        Args:
            symbols: complex channel inputs ``[batch, uses]``, mean power 1 per image.
            snr_db: nominal P / N0 in dB, one for all images or one for each.
            gain: see :meth:`forward`.
            generator: see :meth:`forward`.

        Raises:
            UsageError: symbols that are real or no batch, or another number of SNRs.
        """
        if not symbols.is_complex():
            raise UsageError(
                "channel inputs must be complex symbols; pair real values by deepjscc.symbols.to_symbols (each of two "
                "real values meets half the noise variance of a complex symbol)"
            )
        if symbols.dim() != 2:
            raise UsageError(f"channel inputs must be [batch, uses], not {list(symbols.shape)}")
        output: ChannelOutput = super().__call__(
            symbols, snr_per_image(snr_db, (len(symbols),)).to(symbols.device), gain=gain, generator=generator
        )
        return output

    def forward(
        self, symbols: Symbols, snr_db: SnrDb, *, gain: Gain | None = None, generator: torch.Generator | None = None
    ) -> ChannelOutput:
        """Pass symbols through.

        Args:
            symbols: channel inputs, mean power 1 per image.
            snr_db: nominal P / N0 per image, infinite for no noise.
            gain: h from :meth:`draw_gain`, where the caller needs to know it; drawn here if None.
            generator: source of every draw: first the gains, then the noise.

        Returns:
            What arrives, not equalised.
        """
        if gain is None:
            gain = self.draw_gain(symbols.shape[0], symbols.shape[1], generator)
        n0 = noise_variance(snr_db)
        noise = complex_normal(symbols.shape, symbols, generator) * n0.sqrt()[:, None]
        gain = None if gain is None else gain.to(symbols.device, symbols.dtype)
        faded = symbols if gain is None else gain * symbols
        return ChannelOutput(faded + noise, n0[:, None].expand(symbols.shape), gain, snr_db)

    def capacity(self, snr_db: SnrDb, gain: Gain | None = None) -> Float[Tensor, " batch"]:
        """Bits per complex use of an ideal code: over this draw of the gain, or as planned from ``snr_db`` alone.

        Over slow fading the plan is the capacity at the average SNR (Bourtsoulatze et al. 2019, sec. 4).
        """
        if gain is None:
            return awgn_capacity(snr_db)
        return awgn_capacity(snr_db + 20 * torch.log10(gain[:, 0].abs().to(snr_db.device)))

    def layer_snr(self, snr_db: SnrDb, gain: Gain | None) -> float:
        """P / N0 that a digital layer meets, as a ratio: over slow fading of this fade, over fast fading without it.

        Args:
            snr_db: nominal, of one image.
            gain: of this draw; None: there is none.
        """
        snr = 10 ** (min(float(snr_db), 300.0) / 10)
        if gain is not None and gain.shape[1] == 1:
            snr *= float(gain.abs().square().clamp_min(1e-20))
        return snr


def complex_normal(
    shape: tuple[int, ...] | torch.Size, like: Tensor, generator: torch.Generator | None = None
) -> Tensor:
    """CN(0, 1) draws of the dtype and on the device of ``like``: variance 1/2 per real part."""
    device = generator.device if generator is not None else like.device
    return torch.randn(shape, dtype=like.dtype, device=device, generator=generator).to(like.device)

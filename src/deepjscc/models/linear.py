"""`linear`: the closed-form analog code. Block KLT, powers allocated over coefficients for the SNR, LMMSE receiver.

Blocks go in raster order, each with the same number of its strongest coefficients (the first few blocks with one
more, so that any number of channel uses is filled to the last). With coefficient variances v_i and noise N0 the powers
p_i = max(0, c sqrt(v_i) - N0), c set by the mean power 1, minimise the mean squared error of the LMMSE receiver
(Lee & Petersen 1976, optimal linear coding for vector channels); coefficients with p_i = 0 stay silent.
"""

import math
import struct
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from deepjscc.errors import UsageError
from deepjscc.images import crop, pad_to_multiple, padded_size
from deepjscc.models.base import JSCC
from deepjscc.symbols import channel_uses, side_info_uses, to_latent, to_symbols
from deepjscc.types import Encoded, Images, Received, Size, SnrDb
from deepjscc.units import noise_variance

Blocks = Float[Tensor, "blocks values"]


@dataclass(frozen=True)
class Header:
    """The 16 bits of side information: 6 for the SNR the powers are for, 10 for the image's power gain.

    Attributes:
        snr_index: the SNR in whole dB above -20, 0 to 63.
        gain_index: the amplitude gain, log2 in steps of 1/64 above -6, 0 to 1023.
    """

    snr_index: int
    gain_index: int = 6 * 64  # an image of average power: gain 1

    BYTES: ClassVar[int] = 2

    @staticmethod
    def of(snr_db: float, gain: float = 1.0) -> "Header":
        """The nearest header; what lies outside its range is clamped to it."""
        index = round(min(max(snr_db, -20.0), 43.0)) + 20
        return Header(index, min(max(round(64 * (math.log2(gain) + 6)), 0), 1023))

    @property
    def snr_db(self) -> float:
        """SNR the powers were allocated for."""
        return self.snr_index - 20.0

    @property
    def gain(self) -> float:
        """Amplitude by which the image's latent was scaled to reach mean power 1."""
        return 2.0 ** (self.gain_index / 64 - 6)

    def pack(self) -> bytes:
        """Two bytes, big-endian."""
        return struct.pack(">H", self.snr_index << 10 | self.gain_index)

    @staticmethod
    def unpack(data: bytes) -> "Header":
        """Undo :meth:`pack`.

        Raises:
            UsageError: not two bytes.
        """
        if len(data) != Header.BYTES:
            raise UsageError(f"side information of linear is {Header.BYTES} bytes, not {len(data)}")
        (word,) = struct.unpack(">H", data)
        return Header(word >> 10, word & 1023)


@dataclass(frozen=True)
class Layout:
    """How reals are dealt to blocks: ``full`` coefficients in each, one more in the first ``extra`` blocks."""

    blocks: int
    full: int
    extra: int

    @staticmethod
    def of(size: Size, block: int, reals: int) -> "Layout":
        """The layout of one image of padded ``size``."""
        blocks = size[0] * size[1] // block**2
        return Layout(blocks, *divmod(reals, blocks))

    def run(self, first: int, blocks: int) -> "Layout":
        """The layout of ``blocks`` blocks from ``first`` on, for working through a large image strip by strip."""
        return Layout(blocks, self.full, min(max(self.extra - first, 0), blocks))

    @property
    def reals(self) -> int:
        """Reals sent in all."""
        return self.blocks * self.full + self.extra

    @property
    def kept(self) -> int:
        """Coefficients that any block sends."""
        return self.full + (self.extra > 0)

    def share(self) -> Float[Tensor, " kept"]:
        """Share of the blocks that sends each coefficient."""
        share = torch.ones(self.kept)
        if self.extra:
            share[-1] = self.extra / self.blocks
        return share


class Linear(JSCC):
    """Any image size, SNR and bandwidth ratio up to 1/2 from one basis; see the module's docstring.

    Side information is 16 bits an image (:class:`Header`). An image without any deviation from the mean sends
    zeros: there is no power to normalise.

    Args:
        block: side of the blocks in pixels.
    """

    kind: ClassVar[str] = "linear"
    MAX_RATIO: ClassVar[float] = 1 / 2
    DEFAULT_RATIO: ClassVar[float] = 1 / 12
    mean: Float[Tensor, " values"]
    basis: Float[Tensor, "values values"]
    deviation: Float[Tensor, " values"]

    def __init__(self, block: int = 16) -> None:
        super().__init__(block=block)
        self.stride = block
        values = 3 * block * block
        self.register_buffer("mean", torch.full((values,), 0.5))
        self.register_buffer("basis", torch.eye(values))  # column i is coefficient i, strongest first
        self.register_buffer("deviation", torch.ones(values))  # of each coefficient over photographs

    def uses(self, size: Size, bandwidth_ratio: float | None = None) -> int:
        """Complex uses of an image, side information included; at least one symbol goes, however small the image.

        Raises:
            UsageError: a ratio above 1/2, where there is nothing left to send.
        """
        ratio = self.DEFAULT_RATIO if bandwidth_ratio is None else bandwidth_ratio
        if ratio > self.MAX_RATIO:
            raise UsageError(f"linear sends at bandwidth ratios up to 1/2, not {ratio:.4f}; choose a smaller one")
        return max(channel_uses(size, ratio), side_info_uses(bytes(Header.BYTES)) + 1)

    def layout(self, size: Size, bandwidth_ratio: float | None = None) -> Layout:
        """How an image's coefficients fill the uses that side information leaves."""
        reals = 2 * (self.uses(size, bandwidth_ratio) - side_info_uses(bytes(Header.BYTES)))
        return Layout.of(padded_size(size, self.stride), self.stride, reals)

    def encode(self, images: Images, snr_db: SnrDb, *, bandwidth_ratio: float | None = None) -> Encoded:
        """Images to symbols and 16 bits of side information each; see :meth:`JSCC.encode`."""
        layout = self.layout((images.shape[-2], images.shape[-1]), bandwidth_ratio)
        symbols, side_info = [], []
        for image, believed in zip(pad_to_multiple(images, self.stride), snr_db.tolist(), strict=True):
            scales = self.allocate(layout, Header.of(believed).snr_db)
            latent = self.project(self.to_blocks(image), scales, layout)
            power = latent.square().mean().item()
            gain = power**-0.5 if power > 0 else 1.0
            symbols.append(latent * (gain / math.sqrt(2)))  # mean power 1 per complex symbol is 1/2 per real
            side_info.append(Header.of(believed, gain).pack())
        return Encoded(to_symbols(torch.stack(symbols)), tuple(side_info))

    def decode(self, received: Received, size: Size) -> Images:
        """LMMSE estimate of every coefficient, then back to pixels; see :meth:`JSCC.decode`.

        Where the side information was lost, the power of an average image and the nominal SNR are assumed.
        """
        padded = padded_size(size, self.stride)
        reals = 2 * received.symbols.shape[1]
        layout = Layout.of(padded, self.stride, reals)
        if not 0 < layout.kept <= len(self.deviation):
            raise UsageError(f"{received.symbols.shape[1]} symbols are not an image of {size[1]}x{size[0]} by linear")
        observed = to_latent(received.symbols, reals) * math.sqrt(2)
        images = []
        for index, side in enumerate(received.side_info or (None,) * len(observed)):
            header = Header.of(received.snr_db[index].item()) if side is None else Header.unpack(side)
            scales = self.allocate(layout, header.snr_db)
            noise = received.noise_variance[index].repeat_interleave(2)
            blocks = self.estimate(observed[index], noise, scales, header.gain, layout)
            images.append(self.from_blocks(blocks, padded))
        return crop(torch.stack(images), size).clamp(0, 1)

    def allocate(self, layout: Layout, snr_db: float) -> Float[Tensor, " kept"]:
        """Scale sqrt(p_i / v_i) of each coefficient sent, mean power 1 for an average image."""
        root = self.deviation[: layout.kept]
        share = layout.share().to(root)
        n0 = noise_variance(torch.tensor([snr_db])).to(root)
        # Active are the strongest m coefficients, for the largest m that leaves the weakest of them some power.
        level = (share.sum() + n0 * share.cumsum(0)) / (share * root).cumsum(0)
        active = max(int((level * root > n0).sum()), 1)
        return (level[active - 1] * root - n0).clamp_min(0).sqrt() / root

    def project(self, blocks: Blocks, scales: Float[Tensor, " kept"], layout: Layout) -> Float[Tensor, " reals"]:
        """Blocks to the latent, block by block."""
        latent = ((blocks - self.mean) @ self.basis[:, : layout.kept]) * scales[: layout.kept]
        if not layout.extra:
            return latent.flatten()
        return torch.cat([latent[: layout.extra].flatten(), latent[layout.extra :, : layout.full].flatten()])

    def estimate(
        self,
        observed: Float[Tensor, " reals"],
        noise: Float[Tensor, " reals"],
        scales: Float[Tensor, " kept"],
        gain: float,
        layout: Layout,
    ) -> Blocks:
        """Blocks from the received latent: of y = gain·scale·c + n the estimate of c, with what c's image tells.

        An image whose latent was scaled by ``gain`` has coefficients of variance v_i / gain^2.
        """
        observed, noise = self._deal(observed, 0.0, layout), self._deal(noise, math.inf, layout)
        variance, scales = self.deviation[: layout.kept].square(), scales[: layout.kept]
        # Silent coefficients over a channel without noise are 0/0: nothing came, so nothing is what they weigh.
        weight = variance * scales / (variance * scales.square() + noise).clamp_min(1e-30) / gain
        return (observed * weight) @ self.basis[:, : layout.kept].T + self.mean

    def _deal(self, reals: Float[Tensor, " reals"], fill: float, layout: Layout) -> Float[Tensor, "blocks kept"]:
        """A stream of reals back to blocks; ``fill`` stands where a block sent one coefficient less."""
        if not layout.extra:
            return reals.reshape(layout.blocks, layout.full)
        first, rest = reals.split([layout.extra * layout.kept, (layout.blocks - layout.extra) * layout.full])
        rest = F.pad(rest.reshape(layout.blocks - layout.extra, layout.full), (0, 1), value=fill)
        return torch.cat([first.reshape(-1, layout.kept), rest])

    def to_blocks(self, image: Float[Tensor, "3 height width"]) -> Blocks:
        """A padded image to its blocks in raster order, values in (colour, row, column) order."""
        return F.pixel_unshuffle(image[None], self.stride)[0].flatten(1).T

    def from_blocks(self, blocks: Blocks, size: Size) -> Float[Tensor, "3 height width"]:
        """Undo :meth:`to_blocks`."""
        grid = blocks.T.reshape(1, -1, size[0] // self.stride, size[1] // self.stride)
        return F.pixel_shuffle(grid, self.stride)[0]

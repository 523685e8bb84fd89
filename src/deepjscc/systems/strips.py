"""Large pictures through `linear` in bounded memory: strip by strip, with the result of one piece."""

import math
from collections.abc import Iterator

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from deepjscc.channels import Channel
from deepjscc.errors import UsageError
from deepjscc.images import from_picture, pad_to_multiple, to_float, to_picture
from deepjscc.models.linear import Header, Layout, Linear
from deepjscc.symbols import side_info_uses, to_latent, to_symbols
from deepjscc.systems.link import Link, side_info_arrives
from deepjscc.types import Gain, SnrDb

STRIP_PIXELS = 2_000_000
# torch draws normal numbers 16 at a time; cut there, one stream of noise is the same in pieces as in one.
DRAWN_TOGETHER = 16


@torch.no_grad()
def transmit_strips(
    link: Link,
    picture: Image.Image,
    snr_db: SnrDb,
    *,
    encoder_snr_db: SnrDb | None = None,
    generator: torch.Generator | None = None,
    strip_pixels: int = STRIP_PIXELS,
) -> tuple[Image.Image, int]:
    """Send an 8-bit RGB Pillow picture; memory beyond the two pictures does not grow with their size.

    Args:
        link: a :class:`Linear` model over a channel without fast fading.
        picture: what to send.
        snr_db: of the channel, a batch of one.
        encoder_snr_db: what the transmitter believes; None: the channel's.
        generator: as in :meth:`Link.transmit`, with the same draws.
        strip_pixels: pixels worked on at a time.

    Returns:
        The picture at the far end and the complex channel uses spent.

    Raises:
        UsageError: another model, or a channel of fast fading.
    """
    model, channel = link.model, link.channel
    if not isinstance(model, Linear) or channel.coherence == "symbol":
        raise UsageError("a picture this large goes only by linear, over awgn or slow fading; scale it down")
    believed = snr_db if encoder_snr_db is None else encoder_snr_db
    layout = model.layout((picture.height, picture.width), link.bandwidth_ratio)
    scales = model.allocate(layout, Header.of(believed.item()).snr_db)
    strips = _Strips(model, picture, layout, strip_pixels)

    power = sum(model.project(blocks, scales, run).double().square().sum().item() for blocks, run in strips)
    gain = (layout.reals / power) ** 0.5 if power > 0 else 1.0
    header = Header.of(believed.item(), gain)
    fade = channel.draw_gain(1, layout.reals // 2, generator=generator)
    known = header if bool(side_info_arrives(channel, snr_db, fade)) else Header.of(snr_db.item())
    known_scales = model.allocate(layout, known.snr_db)

    sent = (model.project(blocks, scales, run) * (gain / math.sqrt(2)) for blocks, run in strips)
    air = _Air(channel, sent, snr_db, fade, generator)
    result = Image.new("RGB", picture.size)
    for top, (rows, run) in strips.places():
        observed, noise = air.take(run.reals)
        blocks = model.estimate(observed * math.sqrt(2), noise, known_scales, known.gain, run)
        decoded = to_picture(model.from_blocks(blocks, (rows, strips.padded_width)))
        # Pasting past the edge is cut off there, which takes the padding away.
        result.paste(decoded, (0, top))
    return result, layout.reals // 2 + side_info_uses(header.pack())


class _Strips:
    """The picture's blocks, some rows of blocks at a time, each with its part of the layout; iterated twice."""

    def __init__(self, model: Linear, picture: Image.Image, layout: Layout, strip_pixels: int) -> None:
        self.model, self.picture, self.layout = model, picture, layout
        self.padded_width = picture.width + -picture.width % model.stride
        self.rows = max(1, strip_pixels // (self.padded_width * model.stride)) * model.stride

    def __iter__(self) -> Iterator[tuple[Float[Tensor, "blocks values"], Layout]]:
        for top, (_, run) in self.places():
            box = (0, top, self.picture.width, min(top + self.rows, self.picture.height))
            strip = pad_to_multiple(to_float(from_picture(self.picture.crop(box))), self.model.stride)
            yield self.model.to_blocks(strip[0]), run

    def places(self) -> Iterator[tuple[int, tuple[int, Layout]]]:
        """Top row of each strip, its padded height and its layout."""
        block = self.model.stride
        for top in range(0, self.picture.height, self.rows):
            height = min(self.rows, self.picture.height - top)
            padded = height + -height % block
            blocks = padded * self.padded_width // block**2
            yield top, (padded, self.layout.run(top * self.padded_width // block**2, blocks))


class _Air:
    """The channel as a stream of reals: what the strips put in, cut for the noise, what the decoder takes out."""

    def __init__(
        self,
        channel: Channel,
        sent: Iterator[Float[Tensor, " reals"]],
        snr_db: SnrDb,
        gain: Gain | None,
        generator: torch.Generator | None,
    ) -> None:
        self.channel, self.sent, self.snr_db, self.gain, self.generator = channel, sent, snr_db, gain, generator
        self.waiting, self.passed, self.noise_variance = torch.empty(0), torch.empty(0), torch.zeros(())

    def take(self, reals: int) -> tuple[Float[Tensor, " reals"], Float[Tensor, " reals"]]:
        """The next reals received, and the noise variance of the symbols they come from."""
        while len(self.passed) < reals:
            self._pass_some()
        taken, self.passed = self.passed[:reals], self.passed[reals:]
        return taken, self.noise_variance.expand(reals)

    def _pass_some(self) -> None:
        strip = next(self.sent, None)
        if strip is not None:
            self.waiting = torch.cat([self.waiting, strip])
            # The last piece of all must not be shorter than what torch draws together.
            ready = (len(self.waiting) - DRAWN_TOGETHER) // DRAWN_TOGETHER * DRAWN_TOGETHER
        else:
            ready = len(self.waiting)
        if ready > 0:
            symbols = to_symbols(self.waiting[None, :ready])
            received = self.channel(symbols, self.snr_db, gain=self.gain, generator=self.generator)
            self.noise_variance = received.noise_variance[0, 0]  # without fast fading all symbols share it
            self.passed = torch.cat([self.passed, to_latent(received.symbols, ready)[0]])
            self.waiting = self.waiting[ready:]

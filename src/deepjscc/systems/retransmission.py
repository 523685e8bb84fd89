"""Second tries over slow fading: the same transmission again, over a new gain and new noise, combined with all before.

The receiver combines the symbols of all tries by their maximum ratio, y = sum h_i* y_i / sqrt(sum |h_i|^2): one
reception with the gain sqrt(sum |h_i|^2). For the analog layers that is the best there is; for the digital ones it is
Chase combining (Chase 1985), for codes that are models as for codes whose bits are sent. What a receiver asks for more
with, one bit a try, is not counted.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch

from deepjscc.channels import Channel
from deepjscc.channels.output import ChannelOutput
from deepjscc.errors import UsageError
from deepjscc.seeds import generator as seeded
from deepjscc.systems.base import Draws, System
from deepjscc.systems.link import Link
from deepjscc.systems.names import NamedSystem
from deepjscc.systems.residual_link import one_by_one
from deepjscc.types import Encoded, Gain, Images, Pairs, SnrDb, Symbols, Transmission

MOST_TRIES = 100
FALLBACKS = ((), ("coarse",))  # layers without which a picture is but a stand-in
PSNR_RANGE_DB = (0.0, 100.0)


class CombinedTries(Channel):
    """The tries of one transmission over a slow fading channel, combined by their maximum ratio.

    Args:
        channel: of each try.
        gains: of the tries, ``[tries]``.
    """

    coherence, csi = "image", "receiver"

    def __init__(self, channel: Channel, gains: torch.Tensor) -> None:
        super().__init__()
        self.channel, self.gains = channel, gains

    def pilot_uses(self, uses: int) -> int:
        """Those of one try."""
        return self.channel.pilot_uses(uses)

    def draw_gain(self, batch: int, uses: int, generator: torch.Generator | None = None) -> Gain:
        """The gain of all tries together; nothing is drawn."""
        total = self.gains.abs().square().sum().sqrt()
        return total.to(torch.complex64).expand(batch, 1)

    def forward(
        self, symbols: Symbols, snr_db: SnrDb, *, gain: Gain | None = None, generator: torch.Generator | None = None
    ) -> ChannelOutput:
        """Pass the same symbols through every try and combine them.

        The noise of a try depends on the generator and on the number of the try, so that a further try finds the
        receptions before it unchanged.
        """
        total = self.draw_gain(len(symbols), symbols.shape[1])
        number = int(torch.randint(2**62, (), generator=generator))
        combined = torch.zeros_like(symbols)
        for index, own in enumerate(self.gains):
            h = own.expand(len(symbols), 1)
            arrived = self.channel(symbols, snr_db, gain=h, generator=seeded("try", number, index))
            combined = combined + h.conj() * arrived.symbols
        return replace(arrived, symbols=combined / total, gain=total)


class RetransmittingLink:
    """A link whose receiver asks for the same transmission again until it has a picture that is good enough.

    Good enough is a picture of which more than a coarse layer arrived and, where a PSNR is asked for, of which the
    receiver's own estimate reaches it.

    Args:
        link: over slow fading, whose gain the receiver knows.
        tries: transmissions at most, the first included.
        enough_db: PSNR in dB; None: any picture is good enough.

    Raises:
        UsageError: a channel on which a second try meets nothing new, or a number of tries that is none.
    """

    supports_split, supports_tiles, supports_prefix = False, False, False

    def __init__(self, link: Link, tries: int, enough_db: float | None = None) -> None:
        if not 1 <= tries <= MOST_TRIES:
            raise UsageError(f"a transmission is tried 1 to {MOST_TRIES} times, not {tries}")
        if enough_db is not None and not PSNR_RANGE_DB[0] < enough_db < PSNR_RANGE_DB[1]:
            raise UsageError(f"{enough_db:g} dB is no PSNR to be reached")
        if link.channel.coherence != "image" or link.channel.csi != "receiver":
            raise UsageError("second tries need slow fading whose gain the receiver knows, such as --channel rayleigh")
        gain = link.channel.draw_gain(1, 1, seeded("antennas"))
        if gain is None or gain.shape != (1, 1):
            raise UsageError("second tries are combined over one antenna at each end")
        self.link, self.tries, self.enough_db = link, tries, enough_db

    @property
    def encoder_uses_snr(self) -> bool:
        """See :class:`deepjscc.systems.base.System`."""
        return self.link.encoder_uses_snr

    def transmit(
        self,
        images: Images | Pairs,
        snr_db: torch.Tensor,
        *,
        encoder_snr_db: torch.Tensor | None = None,
        generator: Draws = None,
    ) -> Transmission:
        """Send a batch; see :meth:`deepjscc.systems.base.System.transmit`. The channel uses are those of all tries.

        Raises:
            UsageError: pairs of images.
        """
        if images.dim() == 5:
            raise UsageError("second tries are for single images, not for pairs")
        if not isinstance(generator, Sequence):
            generator = [seeded("image", int(torch.randint(2**62, (), generator=generator))) for _ in images]
        if len(images) > 1:
            return one_by_one(self, images, snr_db, encoder_snr_db, generator)
        gains = torch.cat([self.link.channel.draw_gain(1, 1, generator[0])[0] for _ in range(self.tries)])  # type: ignore[index]
        number = int(torch.randint(2**62, (), generator=generator[0]))
        encoded = self.link.encode(images, snr_db if encoder_snr_db is None else encoder_snr_db)
        return self.deliver_by_tries(encoded, images, snr_db, gains, number)

    def deliver_by_tries(
        self, encoded: Encoded, images: Images, snr_db: SnrDb, gains: torch.Tensor, number: int
    ) -> Transmission:
        """Channel and receiver of one image until it is good enough.

        Args:
            encoded: the image, ``[1, 3, height, width]``, by :attr:`link`.
            images: the image.
            snr_db: average P / N0 in dB, ``[1]``.
            gains: of the tries, ``[tries]``.
            number: from which all noise is drawn.
        """
        for count in range(1, self.tries + 1):
            link = self.link.over(CombinedTries(self.link.channel, gains[:count]))
            sent = link.deliver(encoded, images, snr_db, seeded("tries", number))
            if self._is_enough(sent):
                break
        return replace(sent, channel_uses=sent.channel_uses * count, tries=(count,))

    def encode(self, images: Images, design_snr_db: SnrDb) -> Encoded:
        """Refuse: whether more is sent depends on what arrived."""
        raise UsageError("a link with second tries only transmits as a whole")

    def deliver(self, encoded: Encoded, images: Images, snr_db: SnrDb, generator: Draws = None) -> Transmission:
        """Refuse: whether more is sent depends on what arrived."""
        raise UsageError("a link with second tries only transmits as a whole")

    def _is_enough(self, sent: Transmission) -> bool:
        if not bool(sent.delivered) or (sent.layers and sent.layers[0] in FALLBACKS):
            return False
        (estimated_db,) = sent.estimated_psnr_db
        return self.enough_db is None or estimated_db is None or estimated_db >= self.enough_db


def named_with_tries(named: NamedSystem, tries: int, enough_db: float | None) -> NamedSystem:
    """:func:`with_tries` of a named system, whose name then says so."""
    if with_tries(named.system, tries, enough_db) is named.system:
        return named
    wish = "" if enough_db is None else f" for {enough_db:g} dB"
    name = f"{named.name}, up to {tries} tries{wish}"
    return replace(named, name=name, system=with_tries(named.system, tries, enough_db))


def with_tries(system: System, tries: int, enough_db: float | None) -> System:
    """The system with up to so many tries; itself where there is but one.

    Raises:
        UsageError: a system that is no link, or what :class:`RetransmittingLink` refuses.
    """
    if tries == 1 and enough_db is not None:
        raise UsageError("a PSNR that is good enough needs second tries: --retransmit 1 or more")
    if tries == 1:
        return system
    if not isinstance(system, Link) or not system.supports_split:
        raise UsageError("this system only transmits as a whole, once; leave the second tries out")
    return RetransmittingLink(system, tries, enough_db)

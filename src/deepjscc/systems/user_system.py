"""A system from a user's own file: any object with `transmit`, or a model, takes part in a comparison."""

from typing import Any, Protocol, runtime_checkable

import torch

from deepjscc.channels import Channel
from deepjscc.errors import UsageError
from deepjscc.extensions import build, content_hash, load_object, parse_reference
from deepjscc.models import JSCC
from deepjscc.systems.base import Draws, System
from deepjscc.systems.residual_link import make_link
from deepjscc.types import Encoded, Images, Pairs, SnrDb, Transmission


@runtime_checkable
class Transmits(Protocol):
    """The least that a user's object must have."""

    def transmit(
        self,
        images: torch.Tensor,
        snr_db: torch.Tensor,
        *,
        encoder_snr_db: torch.Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Transmission:
        """Send a batch; see :meth:`deepjscc.systems.base.System.transmit`."""
        ...


class UserSystem:
    """A user's object that has `transmit` alone, checked where it is easy to count wrongly.

    Args:
        system: has ``transmit(images, snr_db, *, encoder_snr_db, generator) -> Transmission``.
        name: for error messages.
    """

    supports_split, encoder_uses_snr, supports_tiles, supports_prefix = False, True, False, False

    def __init__(self, system: Transmits, name: str) -> None:
        self.system, self.name = system, name

    def transmit(
        self,
        images: Images | Pairs,
        snr_db: torch.Tensor,
        *,
        encoder_snr_db: torch.Tensor | None = None,
        generator: Draws = None,
    ) -> Transmission:
        """Send a batch by the user's object; see :meth:`deepjscc.systems.base.System.transmit`.

        Raises:
            UsageError: channel uses that were not counted for every image, or images of another shape.
        """
        draws: Any = generator
        sent = self.system.transmit(images, snr_db, encoder_snr_db=encoder_snr_db, generator=draws)
        if sent.images.shape != images.shape:
            raise UsageError(f"{self.name} returned images of shape {tuple(sent.images.shape)}, not the sent ones'")
        uses = sent.channel_uses
        if uses.shape != images.shape[:-3] or bool((uses <= 0).any()):
            raise UsageError(f"{self.name} must count the complex channel uses of every image, all of them")
        return sent

    def encode(self, images: Images, design_snr_db: SnrDb) -> Encoded:
        """Refuse: a user's object is not cut at the antennas."""
        raise UsageError(f"{self.name} only transmits as a whole")

    def deliver(self, encoded: Encoded, images: Images, snr_db: SnrDb, generator: Draws = None) -> Transmission:
        """Refuse: a user's object is not cut at the antennas."""
        raise UsageError(f"{self.name} only transmits as a whole")


def load_user_system(name: str, channel: Channel, bandwidth_ratio: float | None) -> tuple[System, str | None]:
    """Build the system that ``path.py:make`` or ``path.py:make:key=value`` names.

    ``make(channel, bandwidth_ratio, **options)`` returns a model (:class:`deepjscc.models.JSCC`), which is put into a
    link over the channel, or an object with `transmit`.

    Returns:
        The system, and the first digits of the SHA-256 of its file.

    Raises:
        UsageError: no such function, parameters that it does not take, or a result that is neither.
        ExtensionError: an error in the user's code, with its traceback.
    """
    reference = parse_reference(name)
    options = {"channel": channel, "bandwidth_ratio": bandwidth_ratio, **reference.options}
    made = build(load_object(reference.name, "system"), options, name, "system")
    if isinstance(made, JSCC):
        made = make_link(made.eval(), channel, bandwidth_ratio=bandwidth_ratio)
    elif not callable(getattr(made, "transmit", None)):
        raise UsageError(f"{name} made a {type(made).__name__}, which has no transmit; return a model or a system")
    system = made if isinstance(made, System) else UserSystem(made, name)
    return system, content_hash(reference.name)

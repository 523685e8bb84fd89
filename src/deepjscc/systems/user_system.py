"""Systems from a user's own file: a model, or any object that has a method `transmit`."""

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
    """The interface that a user's object must have."""

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
    """A user's object that has only `transmit`; the shape of its images and its channel uses are checked.

    Args:
        system: an object with ``transmit(images, snr_db, *, encoder_snr_db, generator) -> Transmission``.
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
            shapes = f"{tuple(sent.images.shape)}, but was given {tuple(images.shape)}"
            raise UsageError(f"{self.name} returned images of shape {shapes}")
        uses = sent.channel_uses
        if uses.shape != images.shape[:-3] or bool((uses <= 0).any()):
            raise UsageError(f"{self.name} must return a positive number of complex channel uses for every image")
        return sent

    def encode(self, images: Images, design_snr_db: SnrDb) -> Encoded:
        """Raise an error, because a user's object has no separate encoder."""
        raise UsageError(f"{self.name} has no separate encoder and receiver")

    def deliver(self, encoded: Encoded, images: Images, snr_db: SnrDb, generator: Draws = None) -> Transmission:
        """Raise an error, because a user's object has no separate receiver."""
        raise UsageError(f"{self.name} has no separate encoder and receiver")


def load_user_system(name: str, channel: Channel, bandwidth_ratio: float | None) -> tuple[System, str | None]:
    """Build the system that ``path.py:make`` or ``path.py:make:key=value`` names.

    ``make(channel, bandwidth_ratio, **options)`` returns a model (:class:`deepjscc.models.JSCC`), which is put into a
    link over the channel, or an object with `transmit`.

    Returns:
        The system, and the first digits of the SHA-256 of its file.

    Raises:
        UsageError: no such function, parameters that it does not take, or a result that is neither of these.
        ExtensionError: an error in the user's code, with its traceback.
    """
    reference = parse_reference(name)
    options = {"channel": channel, "bandwidth_ratio": bandwidth_ratio, **reference.options}
    made = build(load_object(reference.name, "system"), options, name, "system")
    if isinstance(made, JSCC):
        made = make_link(made.eval(), channel, bandwidth_ratio=bandwidth_ratio)
    elif not callable(getattr(made, "transmit", None)):
        raise UsageError(
            f"{name} returned a {type(made).__name__}, which has no method transmit; return a model or a system"
        )
    system = made if isinstance(made, System) else UserSystem(made, name)
    return system, content_hash(reference.name)

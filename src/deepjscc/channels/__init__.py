"""Wireless channels, by the name the command line knows them."""

from collections.abc import Callable
from functools import partial

from deepjscc.channels.awgn import AWGN
from deepjscc.channels.base import Channel, Coherence, Csi
from deepjscc.channels.clipping import Clipped
from deepjscc.channels.fading import Rayleigh, Rician
from deepjscc.channels.ofdm import OFDM
from deepjscc.errors import UsageError

CHANNELS: dict[str, Callable[..., Channel]] = {
    "awgn": AWGN,
    "rayleigh": Rayleigh,
    "rician": Rician,
    "clipped": Clipped,
    "tdl-a": partial(OFDM, "tdl-a"),
    "tdl-c": partial(OFDM, "tdl-c"),
    "cdl-c": partial(OFDM, "cdl-c"),
}

__all__ = ["AWGN", "CHANNELS", "OFDM", "Channel", "Clipped", "Coherence", "Csi", "Rayleigh", "Rician", "make_channel"]


def make_channel(
    name: str, *, coherence: Coherence | None = None, csi: Csi | None = None, k_factor_db: float | None = None
) -> Channel:
    """Build a channel from its name; an option left None keeps the channel's default.

    >>> make_channel("rayleigh", csi="none").coherence
    'image'

    Raises:
        UsageError: unknown name, or an option this channel does not have.
        DeepJSCCError: a channel of a package that is not installed.
    """
    if name not in CHANNELS:
        raise UsageError(f"unknown channel {name!r}; there are {', '.join(CHANNELS)}")
    given = {"coherence": coherence, "csi": csi, "k_factor_db": k_factor_db}
    options = {key: value for key, value in given.items() if value is not None}
    try:
        return CHANNELS[name](**options)
    except TypeError:
        raise UsageError(f"the channel {name} does not take {' or '.join(options)}") from None

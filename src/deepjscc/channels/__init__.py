"""Wireless channels, by the name the command line knows them."""

from collections.abc import Callable
from functools import partial
from typing import Any

from deepjscc.channels.awgn import AWGN
from deepjscc.channels.base import Channel, Coherence, Csi
from deepjscc.channels.clipping import Clipped
from deepjscc.channels.fading import Rayleigh, Rician
from deepjscc.channels.mimo import Mimo
from deepjscc.channels.ofdm import OFDM
from deepjscc.errors import UsageError
from deepjscc.extensions import (
    build,
    find_installed,
    installed_names,
    is_file_reference,
    load_object,
    parse_reference,
    with_floats,
)

CHANNELS: dict[str, Callable[..., Channel]] = {
    "awgn": AWGN,
    "rayleigh": Rayleigh,
    "rician": Rician,
    "clipped": Clipped,
    "mimo": Mimo,
    "tdl-a": partial(OFDM, "tdl-a"),
    "tdl-c": partial(OFDM, "tdl-c"),
    "cdl-c": partial(OFDM, "cdl-c"),
}

__all__ = [
    "AWGN",
    "CHANNELS",
    "OFDM",
    "Channel",
    "Clipped",
    "Coherence",
    "Csi",
    "Mimo",
    "Rayleigh",
    "Rician",
    "make_channel",
]


def make_channel(
    name: str, *, coherence: Coherence | None = None, csi: Csi | None = None, k_factor_db: float | None = None
) -> Channel:
    """Build a channel from its name, with parameters; an option left None keeps the channel's default.

    >>> make_channel("rayleigh", csi="none").coherence
    'image'
    >>> make_channel("rician:k_factor_db=3").csi
    'receiver'

    Args:
        name: of :data:`CHANNELS`, of an installed package's entry point in the group ``deepjscc.channels``, or a class
            of a file, as ``mine.py:Nakagami``; parameters follow a colon, as ``mine.py:Nakagami:m=2``.
        coherence, csi, k_factor_db: parameters that the command line has options for.

    Raises:
        UsageError: unknown name, or an option this channel does not have.
        DeepJSCCError: a channel of a package that is not installed, or an error in the code of an extension.
    """
    reference = parse_reference(name)
    given = {"coherence": coherence, "csi": csi, "k_factor_db": k_factor_db}
    options: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    twice = sorted(options.keys() & reference.options.keys())
    if twice:
        raise UsageError(f"{name}: {twice[0]} is given twice, in the name and as an option")
    options |= reference.options
    if reference.name not in CHANNELS:
        own = (
            load_object(reference.name, "channel")
            if is_file_reference(name)
            else find_installed(reference.name, "channel")
        )
        if own is None:
            names = ", ".join([*CHANNELS, *installed_names("channel")])
            raise UsageError(
                f"unknown channel {reference.name!r}; there are {names}, or a class of a file, mine.py:Name"
            )
        channel = build(own, options, reference.name, "channel")
        if not isinstance(channel, Channel):
            raise UsageError(f"{reference.name} makes a {type(channel).__name__}, not a deepjscc.channels.Channel")
        return channel
    try:
        return CHANNELS[reference.name](**with_floats(CHANNELS[reference.name], options))
    except TypeError:
        raise UsageError(f"the channel {reference.name} does not take {' or '.join(options)}") from None

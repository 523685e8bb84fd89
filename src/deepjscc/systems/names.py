"""Systems by name: ``MODEL`` or ``CODEC+CODING``, such as ``linear``, ``jpeg2000+ideal`` or ``jpeg2000+ideal@10dB``.

A model of residual transmission may say how its transmitter estimates: ``MODEL@m=100`` or ``MODEL@feedback``.
"""

import re
from dataclasses import dataclass

from deepjscc.channels import Channel
from deepjscc.digital import CODECS, Ideal
from deepjscc.errors import UsageError
from deepjscc.models import Residual
from deepjscc.systems.base import System
from deepjscc.systems.digital import DigitalLink
from deepjscc.systems.progressive import ResidualLink, make_link
from deepjscc.zoo import load, weights_hash


@dataclass(frozen=True)
class NamedSystem:
    """A system with what a table says of it.

    Attributes:
        name: as given.
        system: ready to transmit.
        weights: first digits of the SHA-256 of a learned system's weights, else None.
        container: of a digital system, whether header bytes count, else None.
    """

    name: str
    system: System
    weights: str | None = None
    container: bool | None = None


def make_system(
    name: str, channel: Channel, *, bandwidth_ratio: float | None = None, container: bool = True
) -> NamedSystem:
    """Build a system from its name.

    Args:
        name: a model of the zoo, a checkpoint's path, or a codec and a coding.
        channel: to send over.
        bandwidth_ratio: complex uses per source value; None takes a model's own. A digital link has none.
        container: count the header bytes of a digital system's files.

    Raises:
        UsageError: an unknown model, codec or coding, or a digital link without a ratio.
    """
    codec_name, plus, coding_name = name.partition("+")
    if not plus or ".safetensors" in name:
        if name in CODECS:
            raise UsageError(f"{name} is a codec; name its channel coding too, as {name}+ideal")
        return _learned(name, channel, bandwidth_ratio)
    if codec_name not in CODECS:
        raise UsageError(f"unknown codec {codec_name!r}; there are {', '.join(CODECS)}")
    coding = parse_coding(coding_name)
    if bandwidth_ratio is None:
        raise UsageError(f"{name} has no bandwidth ratio of its own; give one, such as --bandwidth-ratio 1/12")
    digital = DigitalLink(
        CODECS[codec_name](container=container),
        channel,
        bandwidth_ratio=bandwidth_ratio,
        coding=coding,
    )
    return NamedSystem(name, digital, container=container)


def _learned(name: str, channel: Channel, bandwidth_ratio: float | None) -> NamedSystem:
    """A model, and of residual transmission how its transmitter estimates."""
    estimates = re.fullmatch(r"(.+)@(feedback|m=(\d+))", name)
    model_name = estimates[1] if estimates else name
    model = load(model_name)
    if estimates is None:
        link = make_link(model, channel, bandwidth_ratio=bandwidth_ratio)
    elif isinstance(model, Residual):
        receptions = None if estimates[3] is None else int(estimates[3])
        link = ResidualLink(model, channel, bandwidth_ratio=bandwidth_ratio, receptions=receptions)
    else:
        raise UsageError(f"{name}: only residual transmission estimates what arrived; leave @{estimates[2]} out")
    return NamedSystem(name, link, weights=weights_hash(model_name))


def parse_coding(text: str) -> Ideal:
    """``ideal`` follows the SNR (an envelope of links); ``ideal@10dB`` keeps the rate of 10 dB.

    Raises:
        UsageError: anything else.
    """
    kind, at, snr = text.partition("@")
    if kind != "ideal":
        raise UsageError(f"unknown channel coding {text!r}; there are ideal and ideal@10dB (the rate of 10 dB)")
    if not at:
        return Ideal()
    try:
        rate_snr_db = float(snr.removesuffix("dB"))
    except ValueError:
        rate_snr_db = float("nan")
    if rate_snr_db != rate_snr_db:
        raise UsageError(f"{snr!r} in {text!r} is not an SNR; write ideal@10dB")
    return Ideal(rate_snr_db)

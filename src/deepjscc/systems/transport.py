"""Transmission of layers over a channel: superposition, then equalisation, channel decoding and subtraction.

Two superposed layers have the symbols sqrt(1 - a) b + sqrt(a) s, where b are the symbols of the digital layer, s those
of the analog layer, and a the latter's share of the power. The receiver decodes the digital layer with the analog one
as noise, encodes it again and subtracts it (successive interference cancellation). If decoding fails, the digital layer
remains as noise.
"""

import hashlib
import math
import warnings
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from deepjscc.channels import Channel
from deepjscc.channels.base import complex_normal
from deepjscc.channels.output import ChannelOutput
from deepjscc.digital.coding import NOISELESS_DB
from deepjscc.equaliser import equalise
from deepjscc.errors import DeepJSCCWarning
from deepjscc.seeds import generator as seeded
from deepjscc.systems.base import Draws
from deepjscc.types import DigitalLayer, Encoded, Gain, LayerChannel, Received, SnrDb, Symbols, Transmission

LEAST_SHARE = 0.9  # of the granted channel uses, below which a caller is warned
LEAST_USES = 512  # of a picture below which whole symbols and headers make up more than that


def warn_of_fewer_uses(sent: Transmission, granted: int) -> None:
    """Warn if a transmitter could not use the channel uses of an image that the bandwidth ratio grants.

    Args:
        sent: the transmission of a batch.
        granted: complex channel uses of one image.

    Warns:
        DeepJSCCWarning: less than nine tenths were used.
    """
    most = int(sent.channel_uses.max()) if len(sent.channel_uses) else granted
    if granted >= LEAST_USES and most < LEAST_SHARE * granted:
        note = f"the bandwidth ratio grants {granted} channel uses, and this transmitter can use only {most}"
        warnings.warn(note, DeepJSCCWarning, stacklevel=3)


def send_over(
    channel: Channel, encoded: Encoded, snr_db: SnrDb, generator: Draws = None, *, gain: Gain | None = None
) -> Received:
    """Send all layers over one draw of the channel and decode the digital ones.

    Header, class map and other digital layers that are not superposed have the gains of the payload. The random numbers
    are drawn in this order: gains, then one number per image if a code has a random outcome, then noise.

    Args:
        channel: the channel.
        encoded: layers of a batch.
        snr_db: P / N0 in dB, ``[batch]``.
        generator: random generator of the whole batch, or one for each image.
        gain: gains of all images that were drawn before; None draws them.

    Returns:
        The symbols of the analog layer with their noise variances, and the data of every digital layer, None where it
        was lost.
    """
    if isinstance(generator, Sequence):
        each = zip(range(len(encoded.symbols)), generator, strict=True)
        return join([send_over(channel, encoded.image(i), snr_db[i, None], own, gain=gain) for i, own in each])
    batch, uses = encoded.symbols.shape
    columns = uses or max((layer.uses for layers in encoded.digital for layer in layers), default=0)
    if gain is None:
        gain = channel.draw_gain(batch, columns, generator)
    layers = [layer for own in encoded.digital for layer in own]
    draws = torch.rand(batch, generator=generator).tolist() if any(layer.code.random for layer in layers) else []
    bases = [_superposed(own) for own in encoded.digital]
    if any(base is not None for base in bases):
        received, arrived = _send_superposed(channel, encoded, bases, snr_db, generator, gain, draws)
    else:
        received = _send_analog(channel, encoded.symbols, snr_db, generator, gain)
        arrived = [None] * batch
    digital = []
    for index, own in enumerate(encoded.digital):
        here = slice(index, index + 1)
        fade = None if gain is None else gain[here]
        draw = draws[index] if draws else 0.0
        digital.append(
            tuple(
                arrived[index] if layer.superposed else _send_alone(channel, layer, snr_db[here], fade, draw)
                for layer in own
            )
        )
    return replace(received, digital=tuple(digital), counts=encoded.counts)


def join(received: Sequence[Received]) -> Received:
    """Join single images to one batch; symbols that were not received, of infinite noise, fill the rows."""
    longest = max(one.symbols.shape[1] for one in received)

    def rows(tensors: Sequence[Tensor], filling: float) -> Tensor:
        return torch.cat([F.pad(one, (0, longest - one.shape[1]), value=filling) for one in tensors])

    gains = [one.gain for one in received if one.gain is not None]
    slow = bool(gains) and gains[0].shape[1] == 1
    return Received(
        symbols=rows([one.symbols for one in received], 0.0),
        noise_variance=rows([one.noise_variance for one in received], torch.inf),
        gain=None if not gains else torch.cat(gains) if slow else rows(gains, 1.0),
        snr_db=torch.cat([one.snr_db for one in received]),
        digital=tuple(one.digital[0] for one in received),
        counts=tuple(one.counts[0] for one in received) if received[0].counts else (),
    )


def _superposed(layers: tuple[DigitalLayer, ...]) -> DigitalLayer | None:
    return next((layer for layer in layers if layer.superposed), None)


def _send_analog(
    channel: Channel, symbols: Symbols, snr_db: SnrDb, generator: torch.Generator | None, gain: Gain | None
) -> Received:
    """Send the analog layer alone; without one, nothing is received."""
    if not symbols.shape[1]:
        return Received(symbols, symbols.real, None, snr_db)
    return equalise(channel(symbols, snr_db, gain=gain, generator=generator), channel.csi)


def _send_superposed(
    channel: Channel,
    encoded: Encoded,
    bases: list[DigitalLayer | None],
    snr_db: SnrDb,
    generator: torch.Generator | None,
    gain: Gain | None,
    draws: list[float],
) -> tuple[Received, list[bytes | None]]:
    """Send analog layers with superposed digital ones, and decode the latter."""
    share = torch.tensor(encoded.analog_share).clamp(0, 1)[:, None]
    simulated = [
        base.code.modulate(base.data) if base is not None and base.data is not None else None for base in bases
    ]
    codewords = torch.cat(
        [
            one if one is not None else _gaussian_codeword(base, encoded.symbols.shape[1])
            for one, base in zip(simulated, bases, strict=True)
        ]
    )
    composite = (1 - share).sqrt() * codewords + share.sqrt() * encoded.symbols
    received = _equalise_coherently(channel(composite, snr_db, gain=gain, generator=generator), channel)
    arrived: list[bytes | None] = []
    for index, (base, symbols) in enumerate(zip(bases, simulated, strict=True)):
        data, here, a = None, slice(index, index + 1), float(share[index])
        if base is not None and base.data is not None:
            if symbols is None:
                over = _layer_channel(channel, snr_db[here], None if gain is None else gain[here], a, draws, index)
                data = base.data if base.code.arrives(over) else None
            else:
                noise = (received.noise_variance[here] + a) / (1 - a)
                data = base.code.demodulate(received.symbols[here] / (1 - a) ** 0.5, noise, base.data)
        arrived.append(data)
    decoded = torch.tensor([data is not None for data in arrived])[:, None]
    left = received.symbols - torch.where(decoded, (1 - share).sqrt() * codewords, 0)
    noise = received.noise_variance + torch.where(decoded, torch.zeros_like(share), 1 - share)
    powered = share > 0
    return (
        replace(
            received,
            symbols=torch.where(powered, left / share.clamp_min(1e-12).sqrt(), 0),
            noise_variance=torch.where(powered, noise / share.clamp_min(1e-12), torch.inf),
        ),
        arrived,
    )


def _gaussian_codeword(base: DigitalLayer | None, uses: int) -> Symbols:
    """A codeword of an ideal code, from a Gaussian codebook that both ends know; zeros without data."""
    if base is None or base.data is None:
        return torch.zeros(1, uses, dtype=torch.complex64)
    like = torch.zeros(0, dtype=torch.complex64)
    return complex_normal((1, uses), like, seeded("codeword", hashlib.sha256(base.data).hexdigest()))


def _equalise_coherently(output: ChannelOutput, channel: Channel) -> Received:
    """Equalise a digital layer, with the gain from its own pilots if the channel has no pilots."""
    return equalise(output, "receiver" if output.pilots is None else channel.csi)


def _send_alone(channel: Channel, layer: DigitalLayer, snr_db: SnrDb, gain: Gain | None, draw: float) -> bytes | None:
    """Send and decode a digital layer that has its own channel uses."""
    if layer.data is None:
        return None
    symbols = layer.code.modulate(layer.data)
    if symbols is None:
        return layer.data if layer.code.arrives(_layer_channel(channel, snr_db, gain, 0.0, [draw], 0)) else None
    noise = seeded("bits", draw)
    if gain is not None and channel.coherence != "image" and gain.shape[1] != symbols.shape[1]:
        gain = channel.draw_gain(1, symbols.shape[1], noise)
    received = _equalise_coherently(channel(symbols, snr_db, gain=gain, generator=noise), channel)
    return layer.code.demodulate(received.symbols, received.noise_variance, layer.data)


def _layer_channel(
    channel: Channel, snr_db: SnrDb, gain: Gain | None, analog_share: float, draws: list[float], index: int
) -> LayerChannel:
    """Describe one image's channel to a code that is a model of its error rate, not simulated bit by bit."""
    snr_db = snr_db.double().clamp_max(NOISELESS_DB) if analog_share else snr_db.double()
    capacity = float(channel.capacity(snr_db, gain))
    snr = channel.layer_snr(snr_db, gain)
    if analog_share:
        capacity -= float(channel.capacity(snr_db + 10 * math.log10(analog_share), gain))
    sinr = (1 - analog_share) * snr / (1 + analog_share * snr)
    return LayerChannel(capacity, 10 * math.log10(max(sinr, 1e-30)), draws[index] if draws else 0.0)

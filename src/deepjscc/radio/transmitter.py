"""A picture to samples: encode, put into a frame, shape; and what all of it costs."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from deepjscc.images import to_float
from deepjscc.models import JSCC
from deepjscc.radio.frame import Layout, frame_pulses
from deepjscc.radio.frame_header import FrameHeader, Waveform, split_side_info
from deepjscc.radio.peaks import clip, papr_db
from deepjscc.radio.pulse import Pulse, Samples
from deepjscc.radio.zadoff_chu import Pulses
from deepjscc.types import MARGIN_DB, Encoded, Image8, LinkPlan
from deepjscc.zoo import load, weights_hash

GUARD = 256  # symbol times of silence after a frame


@dataclass(frozen=True)
class Look:
    """How a frame looks on the air.

    Attributes:
        pulse: shape and sampling.
        waveform: of the symbols.
        amplitude: root mean square of the samples; full scale is 1.
        papr_db: to which peaks are clipped; None leaves them.
    """

    pulse: Pulse = field(default_factory=Pulse)
    waveform: Waveform = Waveform.SINGLE_CARRIER
    amplitude: float = 0.05
    papr_db: float | None = None


@dataclass(frozen=True)
class Burst:
    """Samples of one frame, silence after it, and what is to be said of it."""

    samples: Samples
    samples_per_symbol: int
    header: FrameHeader
    report: dict[str, Any]

    def line(self, name: str) -> str:
        """For people."""
        told, parts = self.report, self.report["overhead_pulses"]
        clipped = f" (clipped from {told['unclipped_papr_db']:.1f} dB)" if told["clipped_share"] else ""
        return (
            f"{name}: {told['symbols']} symbols, bandwidth ratio {told['bandwidth_ratio']:.4f}, in {told['pulses']} "
            f"pulses: {100 * told['overhead']:.1f}% more ("
            + ", ".join(f"{kind.replace('_', ' ')} {count}" for kind, count in parts.items())
            + f"); peak over mean {told['papr_db']:.1f} dB{clipped}"
        )


@torch.no_grad()
def picture_burst(
    image: Image8,
    model: str,
    look: Look,
    encoder_snr_db: float,
    bandwidth_ratio: float | None = None,
    margin_db: float | None = None,
    sequence: int = 0,
) -> Burst:
    """A picture as samples.

    Args:
        image: what to send.
        model: of the zoo, or a checkpoint.
        look: on the air.
        encoder_snr_db: what is believed of the channel.
        bandwidth_ratio: complex uses per source value; None takes the model's own.
        margin_db: by how much the channel may be worse before side information is lost; None: as the model thinks fit.
        sequence: number of the frame.

    Raises:
        UsageError: an unknown model, a ratio it does not make, or side information that fits no frame.
    """
    network: JSCC = load(model)
    believed = torch.tensor([encoder_snr_db])
    plan = LinkPlan(believed, bandwidth_ratio, MARGIN_DB if margin_db is None else margin_db)
    sent = network.encode(to_float(image), plan)
    header, symbols, weak = put_in_frame(sent, (image.shape[1], image.shape[2]), weights_hash(model), look, sequence)
    samples, report = shape_frame(header, symbols, weak, look)
    return Burst(samples, look.pulse.samples_per_symbol, header, report)


def put_in_frame(
    sent: Encoded, size: tuple[int, int], weights: str, look: Look, sequence: int
) -> tuple[FrameHeader, Pulses, bytes]:
    """Header, symbols and the side information behind the header of a batch of one.

    Raises:
        UsageError: side information that fits no frame.
    """
    count = sent.counts[0] if sent.counts else sent.symbols.shape[1]
    strong, weak, eighths = split_side_info(sent.digital[0])
    header = FrameHeader(
        sequence,
        weights,
        *size,
        count,
        strong,
        len(weak),
        eighths,
        look.waveform,
    )
    return header, sent.symbols[0, :count].numpy(), weak


def shape_frame(header: FrameHeader, symbols: Pulses, weak: bytes, look: Look) -> tuple[Samples, dict[str, Any]]:
    """Samples of a frame and the silence after it, and what it costs."""
    samples = look.pulse.shape(frame_pulses(header, symbols, weak))
    unclipped_db, cut = papr_db(samples), 0.0
    if look.papr_db is not None:
        samples, cut = clip(samples, look.papr_db)
    layout = Layout.of(header)
    report = {
        "width": header.width,
        "height": header.height,
        "symbols": header.uses,
        "bandwidth_ratio": header.bandwidth_ratio,
        "pulses": layout.pulses,
        "overhead_pulses": layout.overhead(header.uses),
        "overhead": layout.pulses / header.uses - 1,
        "papr_db": papr_db(samples),
        "unclipped_papr_db": unclipped_db,
        "clipped_share": cut,
    }
    scale = look.amplitude * look.pulse.samples_per_symbol**0.5
    silence = np.zeros(GUARD * look.pulse.samples_per_symbol, dtype=np.complex64)
    return np.concatenate([(samples * scale).astype(np.complex64), silence]), report

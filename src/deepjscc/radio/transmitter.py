"""The transmitter: encodes a picture, puts the symbols into a frame, shapes it, and reports what all of it costs."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from deepjscc.images import to_float
from deepjscc.radio.frame import Layout, frame_pulses
from deepjscc.radio.frame_header import FrameHeader, header_blocks, split_side_info
from deepjscc.radio.peaks import clip, papr_db
from deepjscc.radio.pulse import Samples
from deepjscc.radio.spreading import choose_spreading
from deepjscc.radio.waveform_config import WaveformConfig
from deepjscc.radio.zadoff_chu import Pulses
from deepjscc.systems.constellation_link import split_constellation
from deepjscc.systems.transceivers import load_transceiver, transceiver_hash
from deepjscc.types import MARGIN_DB, Encoded, Image8, LinkPlan
from deepjscc.units import spread_offsets_db

GUARD = 256  # symbol times of silence after a frame


@dataclass(frozen=True)
class Burst:
    """The samples of one frame with silence after it.

    Attributes:
        samples: the frame and the silence.
        samples_per_symbol: sampling of the pulse.
        header: the frame's header.
        symbols: the image's symbols, mean power 1, before they are spread.
        report: what the frame costs, for ``tx --json``.
    """

    samples: Samples
    samples_per_symbol: int
    header: FrameHeader
    symbols: Pulses
    report: dict[str, Any]

    def line(self, name: str) -> str:
        """One line that reports the frame of the picture ``name``."""
        report, parts = self.report, self.report["overhead_pulses"]
        clipped = f" (clipped from {report['unclipped_papr_db']:.1f} dB)" if report["clipped_share"] else ""
        return (
            f"{name}: {report['symbols']} symbols, bandwidth ratio {report['bandwidth_ratio']:.4f}; on the air "
            f"{report['bandwidth_ratio_on_air']:.4f}, {report['pulses']} pulses, "
            f"{100 * report['overhead']:.1f}% more than symbols ("
            + ", ".join(f"{kind.replace('_', ' ')} {count}" for kind, count in parts.items())
            + f"); peak-to-average power ratio {report['papr_db']:.1f} dB{clipped}"
        )


def picture_burst(
    image: Image8,
    model: str,
    config: WaveformConfig,
    encoder_snr_db: float,
    bandwidth_ratio: float | None = None,
    margin_db: float | None = None,
    sequence: int = 0,
    *,
    snr_spread_db: float = 0.0,
) -> Burst:
    """Encode a picture and shape its frame.

    Args:
        image: the picture to send.
        model: name in the zoo, or a checkpoint.
        config: parameters of the waveform.
        encoder_snr_db: SNR that the transmitter plans for.
        bandwidth_ratio: complex uses per source value; None takes the model's own.
        margin_db: by how much the channel may be worse before side information is lost; None takes the model's own.
        sequence: number of the frame.
        snr_spread_db: half the width of the range of SNRs around ``encoder_snr_db`` that the transmitter believes in.

    Raises:
        UsageError: an unknown model, a ratio it does not support, or side information that fits no frame.
    """
    margin_db = MARGIN_DB + snr_spread_db if margin_db is None else margin_db
    offsets_db = spread_offsets_db(snr_spread_db)
    plan = LinkPlan(torch.tensor([encoder_snr_db]), bandwidth_ratio, margin_db, offsets_db)
    encoded = _encode(image, model, plan)
    if split_constellation(model)[1] is not None:  # its points are spread already, and must stay what they are
        config = replace(config, spread=False)
    size = (image.shape[1], image.shape[2])
    header, symbols, weak = put_in_frame(encoded, size, transceiver_hash(model), config, encoder_snr_db, sequence)
    samples, report = shape_frame(header, symbols, weak, config)
    return Burst(samples, config.pulse.samples_per_symbol, header, symbols, report)


@torch.no_grad()
def _encode(image: Image8, model: str, plan: LinkPlan) -> Encoded:
    """Run the model's encoder; the only place of the radio that does."""
    return load_transceiver(model).encode(to_float(image), plan)


def put_in_frame(
    encoded: Encoded,
    size: tuple[int, int],
    weights: str,
    config: WaveformConfig,
    design_snr_db: float,
    sequence: int,
) -> tuple[FrameHeader, Pulses, bytes]:
    """Header, symbols and the side information behind the header, of a batch of one image.

    Args:
        encoded: the model's output.
        size: height and width of the image.
        weights: hash of the model's weights.
        config: parameters of the waveform.
        design_snr_db: SNR that the transmitter plans for; the header's length follows from it.
        sequence: number of the frame.

    Raises:
        UsageError: side information that fits no frame.
    """
    count = encoded.counts[0] if encoded.counts else encoded.symbols.shape[1]
    strong, weak, eighths = split_side_info(encoded.digital[0])
    symbols = encoded.symbols[0, :count].numpy()
    header = FrameHeader(
        sequence,
        weights,
        *size,
        count,
        strong,
        len(weak),
        eighths,
        config.waveform,
        choose_spreading(symbols) if config.spread else None,
        config.pilot_spacing,
        blocks=header_blocks(design_snr_db),
    )
    return header, symbols, weak


def shape_frame(
    header: FrameHeader, symbols: Pulses, weak: bytes, config: WaveformConfig
) -> tuple[Samples, dict[str, Any]]:
    """Samples of a frame and the silence after it, and a report of what it costs."""
    samples = config.pulse.shape(frame_pulses(header, symbols, weak))
    unclipped_db, cut = papr_db(samples), 0.0
    if config.papr_db is not None:
        samples, cut = clip(samples, config.papr_db)
    layout = Layout.of(header)
    report = {
        "width": header.width,
        "height": header.height,
        "symbols": header.uses,
        "bandwidth_ratio": header.bandwidth_ratio,
        "bandwidth_ratio_on_air": layout.pulses / (3 * header.height * header.width),
        "pulses": layout.pulses,
        "overhead_pulses": layout.overhead(header.uses),
        "overhead": layout.pulses / header.uses - 1,
        "papr_db": papr_db(samples),
        "unclipped_papr_db": unclipped_db,
        "clipped_share": cut,
    }
    scale = config.amplitude * config.pulse.samples_per_symbol**0.5
    silence = np.zeros(GUARD * config.pulse.samples_per_symbol, dtype=np.complex64)
    return np.concatenate([(samples * scale).astype(np.complex64), silence]), report

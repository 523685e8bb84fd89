"""The plan of a sweep: systems, data and channel."""

from dataclasses import dataclass

from deepjscc.channels import Coherence, Csi


@dataclass(frozen=True)
class Plan:
    """The plan of a sweep.

    Attributes:
        systems: names of systems, see :mod:`deepjscc.systems.names`.
        data: name of a data set, or a folder.
        snr_db: SNRs of the channel in dB.
        encoder_snr_db: design SNR of the transmitter in dB; None takes the channel's SNR.
        encoder_snr_spread_db: half the width in dB of the range around it that the transmitter plans for.
        right_offset_db: for pairs, SNR of the right link minus ``snr_db`` in dB; infinite for a link without noise.
        bandwidth_ratio: complex channel uses per source value; None takes each model's own.
        channel, coherence, csi, k_factor_db: see :func:`deepjscc.channels.make_channel`.
        container: whether to count header bytes of digital systems.
        images: number of images, evenly spread over the data set; None takes all.
        repeats: number of realisations of gains and noise per image.
        seed: seed of the first realisation.
        lpips: whether to measure LPIPS.
        simulate: whether to send every bit of LDPC codes instead of looking up their error rates.
        device: device of the networks; it is not part of a measurement's key, because gains and noise do not depend on
            it.
    """

    systems: tuple[str, ...]
    data: str
    snr_db: tuple[float, ...]
    encoder_snr_db: float | None = None
    encoder_snr_spread_db: float = 0.0
    right_offset_db: float = 0.0
    bandwidth_ratio: float | None = None
    channel: str = "awgn"
    coherence: Coherence | None = None
    csi: Csi | None = None
    k_factor_db: float | None = None
    container: bool = True
    images: int | None = None
    repeats: int = 1
    seed: int = 0
    lpips: bool = False
    simulate: bool = False
    device: str = "cpu"

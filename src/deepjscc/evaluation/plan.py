"""What a sweep is to measure."""

from dataclasses import dataclass

from deepjscc.channels import Coherence, Csi


@dataclass(frozen=True)
class Plan:
    """What to measure.

    Attributes:
        systems: names, see :mod:`deepjscc.systems.names`.
        data: a data set's name, or a folder.
        snr_db: of the channel.
        encoder_snr_db: what the transmitter believes; None: the channel's SNR.
        encoder_snr_spread_db: half the width of the range around it that the transmitter plans for.
        right_offset_db: of pairs, by how much the right view's link is better than ``snr_db``; infinite: no noise.
        bandwidth_ratio: complex uses per source value; None takes each model's own.
        target_psnr_db: instead of one ratio, PSNRs for each of which every image has the smallest ratio that is
            expected to reach it.
        mean_ratio: instead, the mean over the images of their bandwidth ratios, at which all have the same PSNR.
        retransmit: transmissions at most after the first, of an image that did not arrive well enough.
        enough_db: PSNR at which the receiver's own estimate is good enough; None: any picture is.
        channel, coherence, csi, k_factor_db: see :func:`deepjscc.channels.make_channel`.
        container: count header bytes of digital systems.
        images: only so many, evenly spread over the set.
        repeats: draws of gains and noise an image.
        seed: of the first draw.
        lpips: measure it too.
        simulate: send every bit of LDPC codes instead of looking their error rates up.
        device: of the networks; no measurement's key holds it, because gains and noise do not depend on it.
    """

    systems: tuple[str, ...]
    data: str
    snr_db: tuple[float, ...]
    encoder_snr_db: float | None = None
    encoder_snr_spread_db: float = 0.0
    right_offset_db: float = 0.0
    bandwidth_ratio: float | None = None
    target_psnr_db: tuple[float, ...] = ()
    mean_ratio: float | None = None
    retransmit: int = 0
    enough_db: float | None = None
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

"""`deepjscc channel`: recorded symbols through a channel."""

from pathlib import Path

from deepjscc.cli.common import (
    ChannelName,
    CoherenceName,
    CsiName,
    Json,
    KFactor,
    Output,
    Seed,
    Snr,
    one_snr,
    print_json,
)


def channel(
    recording: Path,
    *,
    output: Output,
    snr_db: Snr,
    channel: ChannelName = "awgn",
    coherence: CoherenceName = None,
    csi: CsiName = None,
    k_factor_db: KFactor = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Pass recorded symbols through a channel into another recording.

    Args:
        recording: A SigMF recording of deepjscc encode.
    """
    snr = one_snr(snr_db)

    from deepjscc.channels import make_channel
    from deepjscc.radio.split import pass_channel

    medium = make_channel(channel, coherence=coherence, csi=csi, k_factor_db=k_factor_db)
    report = pass_channel(recording, medium, output, snr, seed)
    print_json(report) if json else print(f"{report['data_file']}: {report['symbols']} symbols at {snr:g} dB")

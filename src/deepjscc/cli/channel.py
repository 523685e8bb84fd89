"""`deepjscc channel`: recorded symbols through a channel."""

from pathlib import Path

from deepjscc.cli.common import (
    ChannelOptions,
    Json,
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
    over: ChannelOptions = ChannelOptions(),
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Pass recorded symbols through a channel into another recording.

    Args:
        recording: A SigMF recording of deepjscc encode.
    """
    snr = one_snr(snr_db)

    from deepjscc.radio.split import pass_channel

    medium = over.build()
    report = pass_channel(recording, medium, output, snr, seed)
    if json:
        print_json(report)
    else:
        pilots = f", and {report['pilot_uses']} pilots beside them" if report["pilot_uses"] else ""
        print(f"{report['data_file']}: {report['symbols']} symbols at {snr:g} dB{pilots}")

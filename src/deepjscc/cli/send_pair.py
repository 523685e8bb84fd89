"""`deepjscc send-pair`: sends two pictures of one scene, each over its own channel, to one receiver."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from deepjscc.cli.common import (
    ChannelOptions,
    EncoderSnr,
    Json,
    OutputFile,
    Seed,
    Snr,
    notes,
    one_snr,
    print_json,
    print_table,
)

PAIR_MODEL = "distributed-joint"


def send_pair(
    left: Path,
    right: Path,
    *,
    output: OutputFile,
    snr_db: Snr = "5",
    snr_db_right: Annotated[
        str | None,
        Parameter(
            allow_leading_hyphen=True,
            help="SNR in dB of the right picture's channel. The default is that of the left one.",
        ),
    ] = None,
    model: str = PAIR_MODEL,
    over: ChannelOptions = ChannelOptions(),
    encoder_snr_db: EncoderSnr = None,
    compare: Annotated[
        str | None, Parameter(help="Systems to compare with, such as distributed-alone,hevc+ideal.")
    ] = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Send two pictures of one scene, each over its own noisy channel, to a receiver that decodes them together.

    The received pictures are written to OUTPUT with -left and -right before its suffix.

    Args:
        left: A picture.
        right: A picture of the same scene and size, from another camera.
        model: A model of the zoo (deepjscc models), or a .safetensors checkpoint. A model that is not for pairs
            decodes each picture alone.
    """
    links = one_snr(snr_db), one_snr(snr_db if snr_db_right is None else snr_db_right)
    believed = None if encoder_snr_db is None else (one_snr(encoder_snr_db),) * 2
    names = compare.split(",") if compare else []

    from deepjscc.evaluation.pair import send_pair as send
    from deepjscc.images import open_rgb, output_format, save_picture
    from deepjscc.systems.names import make_system

    output_format(output)
    medium = over.build()
    for name in names:
        make_system(name, medium, bandwidth_ratio=None if "+" not in name else 1.0)  # a wrong name shows at once
    system, pictures = make_system(model, medium), (open_rgb(left), open_rgb(right))
    results: list[dict[str, object]] = []
    with notes():
        sent = send(*pictures, system, links, encoder_snr_db=believed, seed=seed)
        ratio = sent[0].bandwidth_ratio
        beside = [make_system(name, medium, bandwidth_ratio=ratio if "+" in name else None) for name in names]
        outcomes = [sent, *(send(*pictures, one, links, encoder_snr_db=believed, seed=seed) for one in beside)]
    for name, views in zip(["", *names], outcomes, strict=True):
        for view, outcome in zip(("left", "right"), views, strict=True):
            parts = [output.stem, *([name] if name else []), view]
            file = output.with_name("-".join(parts) + output.suffix)
            save_picture(outcome.picture, file)
            results.append({"view": view} | outcome.numbers() | {"file": str(file)})
    if json:
        print_json(results)
    else:
        print_table(list(results[0]), [list(result.values()) for result in results])

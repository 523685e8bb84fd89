"""`deepjscc send`: one picture through a learned link, beside digital ones with the same channel uses."""

from typing import Annotated

from cyclopts import Parameter

from deepjscc.cli.common import (
    ChannelOptions,
    EncoderSnr,
    Json,
    Output,
    Ratio,
    Seed,
    Snr,
    one_snr,
    picture_path,
    print_json,
    print_table,
    say,
)
from deepjscc.units import parse_ratio


def send(
    image: str,
    *,
    output: Output,
    snr_db: Snr = "10",
    bandwidth_ratio: Ratio = None,
    model: str = "linear",
    over: ChannelOptions = ChannelOptions(),
    encoder_snr_db: EncoderSnr = None,
    compare: Annotated[str | None, Parameter(help="Digital links to set beside it, as jpeg2000,hevc.")] = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Send a picture over a noisy channel.

    Args:
        image: A picture, or sample:coffee (astronaut, chelsea, coffee, rocket).
        model: Of the zoo (deepjscc models), or a .safetensors checkpoint.
    """
    snr = one_snr(snr_db)
    believed = None if encoder_snr_db is None else one_snr(encoder_snr_db)
    ratio = None if bandwidth_ratio is None else parse_ratio(bandwidth_ratio)
    codecs = compare.split(",") if compare else []

    from deepjscc.evaluation.single import ratio_note, send_image
    from deepjscc.images import open_rgb, output_format, save_picture
    from deepjscc.systems.names import make_system

    output_format(output)
    medium = over.build()
    names = [codec if "+" in codec else f"{codec}+ideal" for codec in codecs]
    for name in names:
        make_system(name, medium, bandwidth_ratio=1.0)  # a wrong name shows before any work is done
    picture = open_rgb(picture_path(image))
    learned = send_image(
        picture, make_system(model, medium, bandwidth_ratio=ratio), snr, encoder_snr_db=believed, seed=seed
    )
    outcomes = [learned] + [
        send_image(
            picture,
            make_system(name, medium, bandwidth_ratio=learned.bandwidth_ratio),
            snr,
            encoder_snr_db=believed,
            seed=seed,
        )
        for name in names
    ]
    files = [output] + [output.with_name(f"{output.stem}-{name}{output.suffix}") for name in names]
    for outcome, file in zip(outcomes, files, strict=True):
        save_picture(outcome.picture, file)

    say(ratio_note(ratio, learned.bandwidth_ratio))
    results = [outcome.numbers() | {"file": str(file)} for outcome, file in zip(outcomes, files, strict=True)]
    if json:
        print_json(results)
    else:
        print_table(list(results[0]), [list(result.values()) for result in results])

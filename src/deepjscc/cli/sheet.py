"""`deepjscc sheet`: draws a sheet of pictures with a row for each system and a column for each SNR."""

from deepjscc.cli.common import (
    Belief,
    ChannelOptions,
    Json,
    MaxPixels,
    OutputFile,
    Ratio,
    Seed,
    Snrs,
    Systems,
    design_snr,
    picture_path,
    print_json,
    progress,
)
from deepjscc.defaults import MAX_PIXELS
from deepjscc.units import parse_ratio, parse_snr_list


def sheet(
    image: str,
    *,
    system: Systems,
    output: OutputFile,
    snr_db: Snrs = "0:20:5",
    bandwidth_ratio: Ratio = "1/12",
    over: ChannelOptions = ChannelOptions(),
    encoder_snr_db: Belief = None,
    seed: Seed = 0,
    max_pixels: MaxPixels = MAX_PIXELS,
    json: Json = False,
) -> None:
    """Draw a sheet of one picture as several systems deliver it at several SNRs.

    Args:
        image: A picture, or sample:coffee.
    """
    snrs = parse_snr_list(snr_db)
    believed, spread_db = design_snr(encoder_snr_db)
    ratio = None if bandwidth_ratio is None else parse_ratio(bandwidth_ratio)

    from deepjscc.evaluation.report import save_figure
    from deepjscc.evaluation.report import sheet as draw
    from deepjscc.evaluation.single import send_image
    from deepjscc.images import open_rgb
    from deepjscc.systems.names import make_system

    medium = over.build()
    systems = [make_system(name, medium, bandwidth_ratio=ratio, snr_spread_db=spread_db) for name in system]
    picture = open_rgb(picture_path(image), max_pixels)
    with progress() as on_progress:
        rows = []
        for index, one in enumerate(systems):
            on_progress(index, len(systems), one.name)
            rows.append([send_image(picture, one, snr, encoder_snr_db=believed, seed=seed) for snr in snrs])
    save_figure(draw(rows), output)
    if json:
        print_json([outcome.numbers() for row in rows for outcome in row])
    else:
        print(output)

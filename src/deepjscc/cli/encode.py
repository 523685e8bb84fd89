"""`deepjscc encode`: a picture to I/Q symbols."""

import math
from typing import Annotated, Any

from cyclopts import Parameter

from deepjscc.cli.common import (
    BitErrorRate,
    Json,
    MaxPixels,
    OptionalDesignSnr,
    Output,
    Ratio,
    picture_path,
    print_json,
    print_note,
)
from deepjscc.defaults import HYBRID, MAX_PIXELS
from deepjscc.errors import UsageError
from deepjscc.units import parse_design_snr, parse_ratio


def encode(
    image: str,
    *,
    output: Output,
    snr_db: OptionalDesignSnr = None,
    bandwidth_ratio: Ratio = None,
    model: str = HYBRID,
    margin_db: Annotated[
        float | None,
        Parameter(help="How far in dB the SNR may fall before side information is lost; the default is 6 dB."),
    ] = None,
    stages: Annotated[
        bool, Parameter(negative="", help="Write one recording for each stage of a progressive model: NAME-stage1, …")
    ] = False,
    bits: Annotated[
        bool,
        Parameter(negative="", help="Write the indices of the points of MODEL@256qam as bits, to NAME.bits."),
    ] = False,
    bit_error_rate: BitErrorRate = None,
    max_pixels: MaxPixels = MAX_PIXELS,
    json: Json = False,
) -> None:
    """Turn a picture into I/Q symbols, written to NAME.sigmf-data (cf32_le) and NAME.sigmf-meta, or into bits.

    Args:
        image: A picture, or sample:coffee.
        model: A model of the zoo (deepjscc models), or a .safetensors checkpoint, with a constellation such as
            MODEL@256qam.
    """
    if bits and (snr_db is not None or margin_db is not None or stages):
        raise UsageError("bits meet no noise and have no stages; leave --snr-db, --margin-db and --stages out")
    if bit_error_rate is not None and not bits:
        raise UsageError("--bit-error-rate is for --bits")
    design_snr_db, spread_db = parse_design_snr("10" if snr_db is None else snr_db)
    if margin_db is not None and math.isnan(margin_db):
        raise UsageError("the margin cannot be NaN; give it in dB")
    ratio = None if bandwidth_ratio is None else parse_ratio(bandwidth_ratio)

    from deepjscc.evaluation.single import ratio_note
    from deepjscc.images import read_image
    from deepjscc.radio.split import encode_image

    image8 = read_image(picture_path(image), max_pixels)
    if bits:
        from deepjscc.radio.bits import encode_to_bits

        _report_bits(encode_to_bits(image8, model, output, ratio, bit_error_rate or 0.0), json)
        return
    reports = encode_image(
        image8, model, output, design_snr_db, ratio, margin_db, in_stages=stages, snr_spread_db=spread_db
    )
    print_note(ratio_note(ratio, sum(report["bandwidth_ratio"] for report in reports)))
    if json:
        print_json(reports if stages else reports[0])
        return
    for report in reports:
        print(
            f"{report['data_file']}: {report['symbols']} symbols, mean power {report['mean_power']:.4f}, bandwidth "
            f"ratio {report['bandwidth_ratio']:.4f}\n"
            f"{report['meta_file']}: {report['metadata_bytes']} bytes of text; the decoder needs "
            f"{report['header_bits']} bits of header and {report['side_info_bits']} of side information, counted as "
            f"{report['side_info_uses']} channel uses"
        )


def _report_bits(report: dict[str, Any], json: bool) -> None:
    if json:
        print_json(report)
        return
    print(
        f"{report['bits_file']}: {report['bits']} bits of {report['symbols']} symbols\n"
        f"{report['meta_file']}: with them go {report['side_info_bits']} bits of side information; together "
        f"{report['bits_per_pixel']:.4f} bits per pixel"
    )

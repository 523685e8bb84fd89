"""`deepjscc send`: sends one picture by a system, and by others with the same number of channel uses."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from deepjscc.cli.common import (
    Belief,
    BitErrorRate,
    ChannelOptions,
    Device,
    Json,
    MaxPixels,
    OptionalSnr,
    OutputFile,
    Ratio,
    Seed,
    Simulate,
    design_snr,
    notes,
    one_snr,
    picture_path,
    print_json,
    print_note,
    print_table,
)
from deepjscc.cli.wishes import EnoughDb, Retransmit, TargetPsnr, estimate_note, target_psnr
from deepjscc.defaults import MAX_PIXELS, QUICK_HYBRID, default_system
from deepjscc.errors import UsageError
from deepjscc.units import parse_ratio


def send(
    image: str,
    *,
    output: OutputFile,
    snr_db: OptionalSnr = None,
    bandwidth_ratio: Ratio = None,
    psnr_db: TargetPsnr = None,
    model: str | None = None,
    retransmit: Retransmit = 0,
    enough_db: EnoughDb = None,
    over: ChannelOptions = ChannelOptions(),
    encoder_snr_db: Belief = None,
    stages: Annotated[
        bool, Parameter(negative="", help="Also write the picture after each earlier stage, and a strip of all.")
    ] = False,
    refine: Annotated[str | None, Parameter(help="Refine the received picture by a model, such as diffusion.")] = None,
    steps: Annotated[
        int,
        Parameter(help="Sampling steps of --refine. More steps lower LPIPS, but also PSNR, and take longer."),
    ] = 10,
    compare: Annotated[
        str | None,
        Parameter(help="Systems to compare with, such as universal-s,hevc; a codec alone means CODEC+ldpc-fine."),
    ] = None,
    bits: Annotated[
        bool,
        Parameter(negative="", help="Send the points of MODEL@256qam as bits instead of symbols over a channel."),
    ] = False,
    bit_error_rate: BitErrorRate = None,
    simulate: Simulate = False,
    seed: Seed = 0,
    max_pixels: MaxPixels = MAX_PIXELS,
    device: Device = "cpu",
    json: Json = False,
) -> None:
    """Send a picture over a noisy channel.

    Args:
        image: A picture, or sample:coffee (astronaut, chelsea, coffee, rocket).
        model: A model of the zoo (deepjscc models), a .safetensors checkpoint, or a system such as hevc+ldpc-fine. If
            it is not given: hybrid, for more than 8 megapixels with JPEG2000, or universal-s over fast fading. With a
            constellation as MODEL@256qam.
    """
    if bit_error_rate is not None and not bits:
        raise UsageError("--bit-error-rate is for --bits")
    if bits:
        if snr_db is not None or encoder_snr_db is not None or over != ChannelOptions() or compare or stages or refine:
            raise UsageError("bits take --bit-error-rate, and no channel, stages, refiner or comparison")
        _send_bits(image, output, model, bandwidth_ratio, bit_error_rate or 0.0, seed, max_pixels, json)
        return
    snr = one_snr("10" if snr_db is None else snr_db)
    believed, spread_db = design_snr(encoder_snr_db)
    ratio = None if bandwidth_ratio is None else parse_ratio(bandwidth_ratio)
    target_db = target_psnr(psnr_db, bandwidth_ratio)
    codecs = compare.split(",") if compare else []

    from deepjscc.devices import parse_device
    from deepjscc.digital import CODECS
    from deepjscc.evaluation.single import ratio_note, reach_psnr, send_image, send_stages
    from deepjscc.images import open_rgb, output_format, save_picture
    from deepjscc.systems.constant_quality import DUMMY_RATIO
    from deepjscc.systems.names import check_simulation, make_system
    from deepjscc.systems.placement import on_device
    from deepjscc.systems.retransmission import named_with_tries

    output_format(output)
    picture = open_rgb(picture_path(image), max_pixels)
    if model is None:
        model = default_system(over.channel, over.coherence, picture.width * picture.height)
        print_note(
            "a large picture: its base is coded by JPEG2000, which is quick; --model hybrid takes a stronger codec"
            if model == QUICK_HYBRID
            else None
        )
    medium = over.build()
    parse_device(device)
    names = [f"{codec}+ldpc-fine" if codec in CODECS else codec for codec in codecs]
    check_simulation(simulate, [model, *names])
    for name in names:
        make_system(name, medium, bandwidth_ratio=1.0, simulate=simulate)  # a wrong name shows before any work is done
    learned = model if refine is None else f"{model}@{refine}={steps}"
    wanted = ratio if target_db is None else DUMMY_RATIO
    system = make_system(learned, medium, bandwidth_ratio=wanted, simulate=simulate, snr_spread_db=spread_db)
    on_device(system, device)
    with notes():
        if target_db is not None:
            system, choice = reach_psnr(picture, system, target_db, snr if believed is None else believed)
            print_note(f"bandwidth ratio {choice.bandwidth_ratio:.4f} chosen, {choice.psnr_db:.2f} dB expected")
        system = named_with_tries(system, 1 + retransmit, enough_db)
        if stages:
            arrived = send_stages(picture, system, snr, encoder_snr_db=believed, seed=seed)
        else:
            arrived = [send_image(picture, system, snr, encoder_snr_db=believed, seed=seed)]
        spent = arrived[-1].bandwidth_ratio / (arrived[-1].tries or 1)
        beside = [
            on_device(make_system(name, medium, bandwidth_ratio=spent, simulate=simulate), device) for name in names
        ]
        beside = [named_with_tries(one, 1 + retransmit, enough_db) for one in beside]
        outcomes = arrived + [send_image(picture, one, snr, encoder_snr_db=believed, seed=seed) for one in beside]
    labels = [f"stage{stage}" for stage in range(1, len(arrived))] + [""] + names
    files = [output.with_name(f"{output.stem}-{label}{output.suffix}") if label else output for label in labels]
    for outcome, file in zip(outcomes, files, strict=True):
        save_picture(outcome.picture, file)
    if stages:
        from deepjscc.evaluation.report import save_figure, strip

        save_figure(strip(arrived), output.with_name(f"{output.stem}-stages.png"))
        print_note(f"{model} has no stages, so the strip shows one picture" if len(arrived) == 1 else None)

    print_note(ratio_note(ratio, spent))
    print_note(estimate_note(arrived[-1].estimated_psnr_db))
    results = [outcome.numbers() | {"file": str(file)} for outcome, file in zip(outcomes, files, strict=True)]
    if json:
        print_json(results)
    else:
        print_table(list(results[0]), [list(result.values()) for result in results])


def _send_bits(
    image: str,
    output: Path,
    model: str | None,
    bandwidth_ratio: str | None,
    error_rate: float,
    seed: int,
    max_pixels: int,
    json: bool,
) -> None:
    """A picture as bits of which some are flipped, and what comes of it."""
    if model is None:
        raise UsageError("bits are indices of a constellation; name a model with one, as --model universal-s@256qam")
    ratio = None if bandwidth_ratio is None else parse_ratio(bandwidth_ratio)

    from deepjscc.evaluation.bits import send_bits
    from deepjscc.images import output_format, read_image, write_image

    output_format(output)
    picture = read_image(picture_path(image), max_pixels)
    decoded, result = send_bits(picture, model, ratio, error_rate, seed)
    write_image(decoded, output)
    result |= {"file": str(output)}
    if json:
        print_json([result])
    else:
        print_table(list(result), [list(result.values())])

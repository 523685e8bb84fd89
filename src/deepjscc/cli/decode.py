"""`deepjscc decode`: received symbols to a picture."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from deepjscc.cli.common import Json, OutputFile, print_json, print_note
from deepjscc.cli.wishes import estimate_note
from deepjscc.errors import UsageError


def decode(
    recordings: Annotated[list[Path], Parameter(negative="")],
    /,
    *,
    output: OutputFile,
    model: str | None = None,
    json: Json = False,
) -> None:
    """Turn received symbols back into a picture.

    Args:
        recordings: A SigMF recording of deepjscc encode or channel, or the recordings of the stages that have arrived,
            or NAME.bits.
        model: The checkpoint that the symbols were made with, if it is not in the zoo.
    """
    from deepjscc.images import write_image
    from deepjscc.radio.bit_file import is_bit_file
    from deepjscc.radio.bits import decode_bits
    from deepjscc.radio.split import decode_image

    bits = [path for path in recordings if is_bit_file(path)]
    if bits and len(recordings) > 1:
        raise UsageError(f"{bits[0]}: holds all of a picture; decode it alone")
    image, report, notes = (*decode_bits(bits[0], model), []) if bits else decode_image(recordings, model)
    write_image(image, output)
    for note in notes:
        print_note(note)
    report["file"] = str(output)
    if json:
        print_json(report)
        return
    stages = f", stages 1 to {report['stages']}" if "stages" in report else ""
    layers = f", layers received: {report['layers'] or 'none'}" if "layers" in report else ""
    print(f"{output}: {report['width']}x{report['height']}, by {report['model']}{stages}{layers}")
    print_note(estimate_note(report.get("estimated_psnr_db")))

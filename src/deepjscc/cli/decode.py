"""`deepjscc decode`: received symbols to a picture."""

from pathlib import Path

from deepjscc.cli.common import Json, Output, print_json


def decode(recording: Path, *, output: Output, model: str | None = None, json: Json = False) -> None:
    """Turn received symbols back into a picture.

    Args:
        recording: A SigMF recording of deepjscc encode or channel.
        model: The checkpoint the symbols were made with, where it is not of the zoo.
    """
    from deepjscc.images import write_image
    from deepjscc.radio.split import decode_image

    image, report = decode_image(recording, model)
    write_image(image, output)
    report["file"] = str(output)
    print_json(report) if json else print(f"{output}: {report['width']}x{report['height']}, by {report['model']}")

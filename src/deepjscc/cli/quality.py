"""`deepjscc quality`: all metrics of two pictures."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from deepjscc.cli.common import Json, picture_path, print_json, print_table
from deepjscc.errors import UsageError


def quality(
    reference: str,
    received: Path,
    *,
    lpips: Annotated[bool, Parameter(help="Also measure LPIPS (with AlexNet).")] = True,
    metric: Annotated[
        list[str] | None,
        Parameter(
            negative="",
            help="A further metric: a function in a file, such as mine.py:sharpness. It takes both pictures as tensors "
            "of shape [1, 3, H, W].",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Measure the quality of a picture against its reference by every metric, on 8 bits.

    A metric that needs larger pictures is omitted: SSIM needs at least 11 pixels on each side, MS-SSIM 161 (97 for its
    variant with a window of 7).

    Args:
        reference: The picture at the transmitter, or sample:coffee.
        received: The picture at the receiver, of the same size.
    """
    import torch

    from deepjscc.evaluation.quality import quality as measure
    from deepjscc.extensions import find_installed, is_file_reference, load_object
    from deepjscc.images import open_rgb, read_image, to_float
    from deepjscc.metrics import mse

    own = {}
    for name in metric or []:
        function = load_object(name, "metric") if is_file_reference(name) else find_installed(name, "metric")
        if function is None:
            raise UsageError(f"unknown metric {name!r}; name a function of a file, mine.py:name, or an installed one")
        own[name.rpartition(":")[2]] = function
    first, second = picture_path(reference), received
    sizes = [open_rgb(path).size for path in (first, second)]
    if sizes[0] != sizes[1]:
        shapes = [f"{width}x{height}" for width, height in sizes]
        raise UsageError(f"{first} has {shapes[0]} pixels and {second} has {shapes[1]}; both must have the same size")
    images, decoded = (to_float(read_image(path)) for path in (first, second))
    with torch.no_grad():
        values: dict[str, float | None] = {
            name: column[0] for name, column in measure(images, decoded, with_lpips=lpips).items()
        }
        error: dict[str, float | None] = {"mse": mse(images, decoded).item() * 255**2}
        values = error | values
        values |= {name: float(function(images, decoded)) for name, function in own.items()}
    if json:
        print_json(values)
    else:
        print_table(["metric", "value"], [[name, value] for name, value in values.items() if value is not None])

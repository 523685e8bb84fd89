"""`deepjscc fit`: fits codes that have a closed form to photographs."""

from typing import Literal

from deepjscc.cli.common import Json, OutputFile, print_json, progress
from deepjscc.errors import UsageError


def fit(
    model: Literal["linear", "hybrid"],
    data: str,
    *,
    output: OutputFile,
    block: int | None = None,
    classes: int | None = None,
    photographs: int | None = None,
    json: Json = False,
) -> None:
    """Fit a code that has a closed form to photographs.

    `linear` is a code of whole pictures. `hybrid` is the analog layer of a hybrid: HEVC encodes the photographs at
    several qualities (extra `[digital]`), and the code is fitted to the residuals.

    Args:
        model: The code.
        data: A folder of photographs, or a data set's name.
        block: Side of the blocks in pixels; the default is 16.
        classes: Number of classes of blocks; the default is 16 for linear and 64 for hybrid.
        photographs: Number of photographs, evenly spread over the data; the default is all.
    """
    block = 16 if block is None else block
    classes = {"linear": 16, "hybrid": 64}[model] if classes is None else classes
    if model == "linear" and not 1 <= block <= 32:
        raise UsageError(f"--block must be from 1 to 32 pixels, not {block}")
    if model == "hybrid" and block not in (4, 8, 16):
        raise UsageError(f"--block must be 4, 8 or 16 pixels for hybrid, not {block}")
    if not 1 <= classes <= 256:
        raise UsageError(f"--classes must be from 1 to 256, not {classes}")
    if photographs is not None and photographs < 1:
        raise UsageError(f"--photographs must be at least 1, not {photographs}")

    import torch

    from deepjscc.data import open_data
    from deepjscc.models.checkpoint import Stored, file_hash, save_checkpoint
    from deepjscc.training.base_pairs import BasePairs
    from deepjscc.training.fit import fit_linear
    from deepjscc.training.fit_residual import fit_residual_code

    images = open_data(data)
    if photographs is not None:
        images = images.spread(photographs)
    fitted: Stored
    with progress() as on_progress:
        if model == "linear":
            fitted = fit_linear(images, block, classes, lambda done, of: on_progress(done, of, "passes"))
        else:
            pairs = BasePairs(images, lambda done, of: on_progress(done, of, "photographs coded"))
            fitted = fit_residual_code(
                pairs, block, classes, on_progress=lambda done, of: on_progress(done, of, "bases")
            )
    save_checkpoint(fitted, output, torch.float16)
    result = {"file": str(output), "photographs": len(images), "sha256": file_hash(output)}
    print_json(result) if json else print(f"{output}: learned from {len(images)} photographs")

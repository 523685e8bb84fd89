"""`deepjscc fit`: codes in closed form from photographs."""

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
    """Learn a code that has a closed form from photographs.

    `linear` codes pictures. `hybrid` is the analog layer of a hybrid: the photographs are coded by HEVC at several
    qualities (extra `[digital]`), and the code is fitted to what that leaves of them.

    Args:
        model: The code.
        data: A folder of photographs, or a data set's name.
        block: Side of the blocks in pixels: 16 by default.
        classes: Kinds of blocks that the code tells apart: 16 for linear, 64 for hybrid by default.
        photographs: Number of them, evenly spread over the data; all by default.
    """
    block = 16 if block is None else block
    classes = {"linear": 16, "hybrid": 64}[model] if classes is None else classes
    if model == "linear" and not 1 <= block <= 32:
        raise UsageError(f"blocks are 1 to 32 pixels a side, not {block}")
    if model == "hybrid" and block not in (4, 8, 16):
        raise UsageError(f"blocks of hybrid are 4, 8 or 16 pixels a side, not {block}")
    if not 1 <= classes <= 256:
        raise UsageError(f"there can be 1 to 256 classes of blocks, not {classes}")
    if photographs is not None and photographs < 1:
        raise UsageError(f"at least one photograph is needed, not {photographs}")

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

"""`deepjscc fit`: the closed-form code from photographs."""

from typing import Literal

from deepjscc.cli.common import Json, Output, print_json, progress
from deepjscc.errors import UsageError


def fit(
    model: Literal["linear"], data: str, *, output: Output, block: int = 16, classes: int = 16, json: Json = False
) -> None:
    """Learn the closed-form code `linear` from photographs.

    Args:
        model: The one that has a closed form.
        data: A folder of photographs, or a data set's name.
        block: Side of the blocks in pixels.
        classes: Kinds of blocks that the class map tells apart.
    """
    if not 1 <= block <= 32:
        raise UsageError(f"blocks are 1 to 32 pixels a side, not {block}")
    if not 1 <= classes <= 64:
        raise UsageError(f"there can be 1 to 64 classes of blocks, not {classes}")

    import torch

    from deepjscc.data import open_data
    from deepjscc.models.checkpoint import file_hash, save_checkpoint
    from deepjscc.training.fit import fit_linear

    images = open_data(data)
    with progress() as say:
        fitted = fit_linear(images, block, classes, lambda done, of: say(done, of, "passes"))
    save_checkpoint(fitted, output, torch.float16)
    result = {"file": str(output), "photographs": len(images), "sha256": file_hash(output)}
    print_json(result) if json else print(f"{output}: learned from {len(images)} photographs")

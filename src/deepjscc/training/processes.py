"""The processes that `torchrun` or SLURM started, as a Lightning Fabric, and a clear error when one is lost."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import lightning_utilities.core.rank_zero as rank_zero
import torch.distributed
from lightning.fabric import Fabric
from lightning.fabric.strategies import DDPStrategy

from deepjscc.errors import DeepJSCCError, UsageError

PRECISIONS = {"bf16": "bf16-mixed", "fp32": "32-true"}
PATIENCE_S = 600.0  # that a process waits for a silent one; at an epoch's end the first measures and writes meanwhile

LOST = ("connection closed by peer", "connection reset", "broken pipe", "timed out", "connect timeout", "nccl")
"""In what torch says of a lost process: gloo's errors are plain RuntimeErrors."""


def make_fabric(precision: str, device: str = "auto") -> Fabric:
    """A Fabric of all the processes started together, on GPUs where there are any; one process otherwise.

    A process that was killed is noticed at once, a machine that has fallen silent after :data:`PATIENCE_S`.

    Args:
        precision: "bf16" (autocast) or "fp32".
        device: "auto" takes GPUs where there are any; "cpu" or "cuda" insists.

    Raises:
        UsageError: processes that are not the same number on every machine.
        DeepJSCCError: the processes do not find one another, or there is no GPU for "cuda".
    """
    rank_zero.log.setLevel(logging.WARNING)  # Lightning's word on precision and back end is not news
    world, here = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    if "SLURM_NTASKS" in os.environ and "WORLD_SIZE" not in os.environ and "SLURM_STEP_ID" in os.environ:
        world = int(os.environ["SLURM_NTASKS"])
        here = world // int(os.environ.get("SLURM_NNODES", 1))
    if world % here:
        raise UsageError(f"{world} processes do not divide evenly over machines of {here}")
    options: dict[str, Any] = {"accelerator": device}
    if world > 1:
        options["strategy"] = DDPStrategy(timeout=timedelta(seconds=PATIENCE_S))
    if device == "cuda" and not torch.cuda.is_available():
        raise DeepJSCCError("--device cuda: this build of torch finds no GPU")
    fabric = Fabric(devices=here, num_nodes=world // here, precision=PRECISIONS[precision], **options)  # type: ignore[arg-type]
    with loss_of_a_process():
        fabric.launch()
    return fabric


@contextmanager
def loss_of_a_process() -> Iterator[None]:
    """Turn torch's various errors about the loss of another process of the training into one line.

    Raises:
        DeepJSCCError: another process was lost, or was silent for too long.
    """
    try:
        yield
    except RuntimeError as error:
        words = str(error).lower()
        if not (isinstance(error, torch.distributed.DistError) or any(sign in words for sign in LOST)):
            raise
        who = f"process {os.environ.get('RANK', os.environ.get('SLURM_PROCID', '?'))}"
        raise DeepJSCCError(
            f"{who} lost another process of this training (killed, its machine gone, or silent for too long); "
            "start all of them again with --resume"
        ) from None

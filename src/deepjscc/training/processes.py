"""One process or many: what `torchrun` or SLURM started, as a Lightning Fabric."""

import logging
import os

import lightning_utilities.core.rank_zero as rank_zero
from lightning.fabric import Fabric

from deepjscc.errors import UsageError

PRECISIONS = {"bf16": "bf16-mixed", "fp32": "32-true"}


def make_fabric(precision: str) -> Fabric:
    """A Fabric of all the processes started together, on GPUs where there are any; one process otherwise.

    Args:
        precision: "bf16" (autocast) or "fp32".

    Raises:
        UsageError: processes that are not the same number on every machine.
    """
    rank_zero.log.setLevel(logging.WARNING)  # Lightning's word on precision and back end is not news
    world, here = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    if "SLURM_NTASKS" in os.environ and "WORLD_SIZE" not in os.environ and "SLURM_STEP_ID" in os.environ:
        world = int(os.environ["SLURM_NTASKS"])
        here = world // int(os.environ.get("SLURM_NNODES", 1))
    if world % here:
        raise UsageError(f"{world} processes do not divide evenly over machines of {here}")
    fabric = Fabric(devices=here, num_nodes=world // here, precision=PRECISIONS[precision])  # type: ignore[arg-type]
    fabric.launch()
    return fabric

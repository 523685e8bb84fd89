"""Exported graphs against the model they came from: the files are run, at sizes they were not traced at."""

from collections.abc import Callable

import numpy as np
import torch

from deepjscc.channels import AWGN
from deepjscc.errors import DeepJSCCError
from deepjscc.export.graphs import Graph, fixed_size, in_pairs
from deepjscc.export.openvino_file import Arrays
from deepjscc.models import JSCC, Staged
from deepjscc.types import Images, Received, Size

TOLERANCE = 1e-3
SIZES = ((1, 64, 96), (2, 51, 77))  # pictures, or pairs of them; height; width
Run = Callable[[Arrays], np.ndarray]


@torch.no_grad()
def largest_differences(model: JSCC, graphs: list[Graph], runs: dict[str, Run]) -> dict[str, float]:
    """Largest absolute difference of each graph's output from the model's, over two sizes and batches.

    Args:
        model: that was exported.
        graphs: of it.
        runs: the files of them, loaded.
    """
    cameras = 2 if in_pairs(model) else 1
    found = dict.fromkeys(runs, 0.0)
    for count, *sides in SIZES:
        size = fixed_size(model) or (sides[0], sides[1])
        images = pictures(count * cameras, size)
        snr_db = torch.linspace(4, 10, len(images))
        symbols = model.encode(images, snr_db).symbols
        received = AWGN()(symbols, snr_db, generator=torch.Generator().manual_seed(0))
        for graph in graphs:
            if graph.name == "encoder":
                expected = torch.view_as_real(symbols).numpy()
                made = runs[graph.name]({"images": images.numpy(), "snr_db": snr_db.numpy()})
            else:
                heard = _first_stages(model, received, graph.stages, size)
                expected = model.decode(heard, size).numpy()
                shape = (count, cameras) if cameras > 1 else (count,)
                made = runs[graph.name](
                    {
                        "symbols": torch.view_as_real(heard.symbols).unflatten(0, shape).numpy(),
                        "size": np.array(size, dtype=np.int64),
                        "snr_db": heard.snr_db.unflatten(0, shape).numpy(),
                    }
                )
            if made.size != expected.size:
                raise DeepJSCCError(f"the exported {graph.name} gives {made.shape} where the model {expected.shape}")
            difference = np.abs(made.reshape(expected.shape) - expected).max()
            found[graph.name] = max(found[graph.name], float(difference if np.isfinite(difference) else np.inf))
    return found


def pictures(count: int, size: Size) -> Images:
    """Pictures with smooth parts, edges and grain, the same each time."""
    draws = torch.Generator().manual_seed(0)
    coarse = torch.nn.functional.interpolate(torch.rand(count, 3, 4, 5, generator=draws), size, mode="bilinear")
    edges = (coarse[:, :1] > 0.5).float() * 0.3
    return (0.7 * coarse + edges + 0.03 * torch.randn(count, 3, *size, generator=draws)).clamp(0, 1)


def _first_stages(model: JSCC, received: Received, stages: int, size: Size) -> Received:
    """What a decoder of so many stages gets."""
    uses = stages * model.stage_uses(size) if isinstance(model, Staged) else received.symbols.shape[1]
    return Received(received.symbols[:, :uses], received.noise_variance[:, :uses], None, received.snr_db)

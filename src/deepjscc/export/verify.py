"""Comparison of exported graphs with their model: the files are run at sizes they were not traced at."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from deepjscc.channels import AWGN
from deepjscc.errors import DeepJSCCError
from deepjscc.export.graphs import Graph
from deepjscc.export.openvino_file import Arrays
from deepjscc.models import JSCC
from deepjscc.systems.transport import send_over
from deepjscc.types import Encoded, Images, LinkPlan, Received, Size, SnrDb

TOLERANCE = 1e-3
SIZES = ((1, 64, 96), (2, 51, 77))  # pictures, or pairs of them; height; width
NO_MAP_DB = -100.0  # where no map arrives, none goes
Run = Callable[[Arrays], Arrays]


@torch.no_grad()
def largest_differences(model: JSCC, graphs: list[Graph], runs: dict[str, Run]) -> dict[str, float]:
    """Largest absolute difference of each graph's output from the model's, over two sizes and batches.

    Args:
        model: that was exported.
        graphs: of it.
        runs: the files of them, loaded.
    """
    found = dict.fromkeys(runs, 0.0)
    for count, *sides in SIZES:
        size = model.fixed_size or (sides[0], sides[1])
        images = pictures(2 * count if model.decodes_pairs else count, size)
        snr_db = torch.linspace(4, 10, len(images))
        sent = model.encode(images, LinkPlan(snr_db, margin_db=float(snr_db[0]) - NO_MAP_DB))
        received = send_over(AWGN(), sent, snr_db, torch.Generator().manual_seed(0))
        for graph in graphs:
            if graph.name == "encoder":
                difference = _of_encoder(runs[graph.name], images, snr_db, sent)
            else:
                prefix = _first_stages(model, received, graph.stages)
                shape = (count, 2) if model.decodes_pairs else (count,)
                difference = _of_decoder(runs[graph.name], prefix, model.decode(prefix, size), shape)
            found[graph.name] = max(found[graph.name], difference)
    return found


def _of_encoder(run: Run, images: Images, snr_db: SnrDb, sent: Encoded) -> float:
    """Return the largest difference of symbols; a header with another gain counts as infinitely far away."""
    uses = sent.symbols.shape[1]
    made = run({"images": images.numpy(), "snr_db": snr_db.numpy(), "uses": np.full(len(images), uses)})
    if "header" in made:
        ours = [int.from_bytes(parts[0].data or b"", "big") >> 8 for parts in sent.digital]
        theirs = made["header"][:, 0] * 256 + made["header"][:, 1]
        if np.abs(theirs - ours).max() > 1:  # a gain on the border of two steps may fall to either side
            return np.inf
    return _largest(made["symbols"][:, :uses], torch.view_as_real(sent.symbols))


def _of_decoder(run: Run, prefix: Received, expected: Images, shape: tuple[int, ...]) -> float:
    headers = [list(parts[0] or b"") if parts else [] for parts in prefix.digital]
    made = run(
        {
            "symbols": torch.view_as_real(prefix.symbols).unflatten(0, shape).numpy(),
            "noise_variance": prefix.noise_variance.contiguous().numpy(),
            "size": np.array(expected.shape[2:], dtype=np.int64),
            "snr_db": prefix.snr_db.unflatten(0, shape).numpy(),
            "header": np.array(headers, dtype=np.int64),
        }
    )
    return _largest(made["images"].reshape(-1, *made["images"].shape[-3:]), expected)


def _largest(made: np.ndarray, expected: Tensor) -> float:
    if made.shape != tuple(expected.shape):
        raise DeepJSCCError(f"an exported graph gives {made.shape} where the model gives {tuple(expected.shape)}")
    difference = np.abs(made - expected.numpy()).max()
    return float(difference) if np.isfinite(difference) else np.inf


def pictures(count: int, size: Size) -> Images:
    """Pictures with smooth parts, edges and grain, the same each time."""
    draws = torch.Generator().manual_seed(0)
    coarse = torch.nn.functional.interpolate(torch.rand(count, 3, 4, 5, generator=draws), size, mode="bilinear")
    edges = (coarse[:, :1] > 0.5).float() * 0.3
    return (0.7 * coarse + edges + 0.03 * torch.randn(count, 3, *size, generator=draws)).clamp(0, 1)


def _first_stages(model: JSCC, received: Received, stages: int) -> Received:
    """The part of a transmission that a decoder of so many stages takes."""
    uses = received.symbols.shape[1] // model.stages * stages
    return Received(
        received.symbols[:, :uses], received.noise_variance[:, :uses], None, received.snr_db, received.digital
    )

"""The map of block classes as bytes: an arithmetic code whose probabilities follow the left and the upper block."""

from functools import cache

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from deepjscc.errors import UsageError

WORD = 4  # bytes that the arithmetic coder writes at a time


def contexts(classes: Int[Tensor, "rows columns"], kinds: int) -> Int[Tensor, "rows columns"]:
    """Return the context of each block: the classes of its left and upper neighbours; ``kinds`` marks the border."""
    padded = torch.nn.functional.pad(classes, (1, 0, 1, 0), value=kinds)
    return padded[1:, :-1] * (kinds + 1) + padded[:-1, 1:]


def encode_map(classes: Int[Tensor, "rows columns"], neighbours: Float[Tensor, "contexts kinds"]) -> bytes:
    """Bytes of a map.

    Args:
        classes: of the blocks.
        neighbours: logarithm of how often each class was seen in each context.
    """
    import constriction

    if neighbours.shape[1] == 1:
        return b""
    model = constriction.stream.model.Categorical(perfect=False)
    encoder = constriction.stream.queue.RangeEncoder()
    kinds = neighbours.shape[1]
    rows = _probabilities(neighbours)[contexts(classes, kinds).flatten().numpy()]
    encoder.encode(classes.flatten().numpy().astype(np.int32), model, rows)
    return encoder.get_compressed().astype("<u4").tobytes().rstrip(b"\0")


def decode_map(data: bytes, rows: int, columns: int, neighbours: Float[Tensor, "contexts kinds"]) -> Tensor:
    """Undo :func:`encode_map`.

    Raises:
        UsageError: bytes that are no map of this size.
    """
    import constriction

    if neighbours.shape[1] == 1:
        return torch.zeros(rows, columns, dtype=torch.long)
    probabilities, kinds = _probabilities(neighbours), neighbours.shape[1]
    # A small map meets few of the contexts.
    model = cache(lambda context: constriction.stream.model.Categorical(probabilities[context], perfect=False))
    words = np.frombuffer(data + bytes(-len(data) % WORD), "<u4").astype(np.uint32)
    decoder = constriction.stream.queue.RangeDecoder(words)
    classes, above = np.empty((rows, columns), dtype=np.int64), [kinds] * columns
    try:
        for row in range(rows):
            left = kinds
            for column in range(columns):
                left = decoder.decode(model(left * (kinds + 1) + above[column]))
                above[column] = left
            classes[row] = above
    except AssertionError as error:
        raise UsageError(f"the class map is damaged: {error}") from None
    return torch.from_numpy(classes)


def _probabilities(neighbours: Tensor) -> np.ndarray:
    return neighbours.double().softmax(1).float().numpy()

"""Coding the class map: lossless for any map, and about as short as its entropy."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deepjscc.models.block_code.class_map import contexts, decode_map, encode_map


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 16), st.integers(0, 99))
def test_any_map_round_trips(rows: int, columns: int, kinds: int, seed: int) -> None:
    draws = torch.Generator().manual_seed(seed)
    classes = torch.randint(0, kinds, (rows, columns), generator=draws)
    neighbours = 3 * torch.randn((kinds + 1) ** 2, kinds, generator=draws)
    assert torch.equal(decode_map(encode_map(classes, neighbours), rows, columns, neighbours), classes)


def test_length_is_the_entropy(draws: torch.Generator) -> None:
    kinds = 6
    neighbours = torch.randn((kinds + 1) ** 2, kinds, generator=draws)
    probabilities = neighbours.softmax(1)
    classes = torch.zeros(60, 70, dtype=torch.long)
    bits = 0.0
    for row in range(60):  # drawn as the model says
        for column in range(70):
            context = contexts(classes, kinds)[row, column]
            kind = torch.multinomial(probabilities[context], 1, generator=draws).item()
            classes[row, column] = kind
            bits -= probabilities[context, kind].log2().item()
    assert 8 * len(encode_map(classes, neighbours)) == pytest.approx(bits, rel=0.01, abs=64)

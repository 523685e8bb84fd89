"""Products: the same from either library, and gradients from torch's own."""

import pytest
import torch
from torch.nn import functional as F

from deepjscc.layers.products import Dense, has_onednn, linear


@pytest.mark.parametrize("shape", [(5, 7), (2, 3, 7), (7,), (2, 0, 7)])
@pytest.mark.parametrize("with_bias", [True, False])
def test_products_are_products(shape: tuple[int, ...], with_bias: bool, draws: torch.Generator) -> None:
    values, weight = torch.randn(shape, generator=draws), torch.randn(7, 4, generator=draws).T
    bias = torch.randn(4, generator=draws) if with_bias else None
    expected = F.linear(values, weight, bias)
    with torch.no_grad():
        torch.testing.assert_close(linear(values, weight, bias), expected)
        turned = values.transpose(0, -1).contiguous().transpose(0, -1)  # blocks come as transposed views
        torch.testing.assert_close(linear(turned, weight, bias), expected)
        torch.testing.assert_close(linear(values.double(), weight.double()), F.linear(values.double(), weight.double()))


def test_layers_learn(draws: torch.Generator) -> None:
    layer, values = Dense(6, 3), torch.randn(4, 6, generator=draws)
    with torch.no_grad():
        expected = layer(values)
    received = layer(values)
    torch.testing.assert_close(expected, received)
    received.sum().backward()
    assert layer.weight.grad is not None
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert layer(values).dtype == torch.bfloat16


@pytest.mark.parametrize("wrong", [AttributeError(), TypeError(), RuntimeError("schema")])
def test_a_torch_without_the_private_operator_is_served(wrong: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> torch.Tensor:
        raise wrong

    values, weight = torch.rand(3, 7), torch.rand(4, 7)
    monkeypatch.setattr("deepjscc.layers.products._onednn", fails)
    has_onednn.cache_clear()
    with torch.no_grad():
        torch.testing.assert_close(linear(values, weight), F.linear(values, weight))
    assert not has_onednn()
    has_onednn.cache_clear()


def test_an_operator_that_computes_something_else_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deepjscc.layers.products._onednn", lambda values, weight, bias: 2 * F.linear(values, weight))
    has_onednn.cache_clear()
    assert not has_onednn()
    has_onednn.cache_clear()

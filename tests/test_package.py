"""Start-up, names and types of the package as a whole."""

import subprocess
import sys

import pytest

import deepjscc


def test_import_is_light() -> None:
    heavy = {"torch", "numpy", "polars", "matplotlib"}
    code = f"import deepjscc, deepjscc.cli, sys; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


@pytest.mark.parametrize("name", deepjscc.__all__)
def test_every_public_name_loads(name: str) -> None:
    assert getattr(deepjscc, name)


def test_unknown_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError):
        deepjscc.nothing  # noqa: B018


def test_shapes_are_checked_in_tests() -> None:
    import torch
    from jaxtyping import TypeCheckError

    from deepjscc.symbols import mean_power

    with pytest.raises(TypeCheckError):
        mean_power(torch.zeros(3))

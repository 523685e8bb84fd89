"""The models as a whole: composed rather than inherited."""

import pytest

from deepjscc.models import JSCC, MODELS


def _levels(model: type) -> int:
    """Longest chain of subclassing from :class:`JSCC`."""
    return 0 if model is JSCC else 1 + max(_levels(base) for base in model.__bases__ if issubclass(base, JSCC))


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_a_model_is_at_most_two_levels_below_the_base(model: type[JSCC]) -> None:
    assert _levels(model) <= 2

"""deepjscc: send pictures over noisy channels, learned (deep joint source-channel coding) and digital side by side.

The names below are loaded when first used, so that ``import deepjscc`` and ``deepjscc --help`` answer at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from deepjscc.threads import wait_passively

if TYPE_CHECKING:  # for type checkers, which do not follow __getattr__
    from deepjscc.errors import DeepJSCCError as DeepJSCCError
    from deepjscc.images import read_image as read_image
    from deepjscc.images import write_image as write_image
    from deepjscc.systems import Link as Link
    from deepjscc.systems import make_link as make_link
    from deepjscc.zoo import load as load

wait_passively()  # here, because OpenMP reads its environment when torch is first imported

__version__ = "0.1.0"

_HOMES = {
    "load": "deepjscc.zoo",
    "Link": "deepjscc.systems",
    "make_link": "deepjscc.systems",
    "read_image": "deepjscc.images",
    "write_image": "deepjscc.images",
    "DeepJSCCError": "deepjscc.errors",
}
__all__ = ["DeepJSCCError", "Link", "__version__", "load", "make_link", "read_image", "write_image"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'deepjscc' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)

"""Pictures from the visitor or from the samples: they are checked and scaled, and errors are shown on the page."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import gradio as gr
from gradio.utils import get_upload_folder
from PIL import Image

from deepjscc.data.samples import sample_pair, sample_path
from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.web.decode_upload import decode_upload
from deepjscc.web.upload_folder import NOT_UPLOADED, is_uploaded

UPLOAD_BYTES = 20 * 2**20
UPLOAD_PIXELS = 40_000_000
SHOWN_SIDE = 1024  # longer pictures are scaled down, so that a slider answers at once
PAIR_SIDE = 384  # likewise: attending across two views costs far more, and its weights know views of 256 pixels
Result = TypeVar("Result")
Pair = tuple[Image.Image, Image.Image]  # left and right, of one size


@contextmanager
def errors_on_page() -> Iterator[None]:
    """Turn errors that a visitor can cause into messages on the page."""
    try:
        yield
    except DeepJSCCError as error:
        raise gr.Error(str(error), print_exception=False) from None
    except MemoryError:
        raise gr.Error("not enough memory for this picture; use a smaller one", print_exception=False) from None


def needed(result: Result | None) -> Result:
    """Return a picture or result that a handler works on.

    Raises:
        UsageError: there is none yet, or the server no longer holds it.
    """
    if result is None:
        raise UsageError("there is no result yet; choose a picture first")
    return result


def open_upload(path: str, side: int = SHOWN_SIDE) -> tuple[Image.Image, str]:
    """Decode a picture, scaled down to sides of at most ``side`` pixels, and describe it.

    Raises:
        DeepJSCCError: as in :func:`deepjscc.web.decode_upload.decode_upload`.
    """
    name = Path(path).name
    picture, (width, height) = decode_upload(path, UPLOAD_BYTES, UPLOAD_PIXELS, side)
    if (width, height) == picture.size:
        return picture, f"{name}: {width}x{height}"
    return picture, f"{name}: {width}x{height}, scaled down to {picture.width}x{picture.height}"


def open_pair(paths: list[str]) -> tuple[Pair, str]:
    """Open two pictures in the order of their names, left first, and describe them.

    Raises:
        DeepJSCCError: not two pictures, pictures of different sizes, or as in :func:`open_upload`.
    """
    if len(paths) != 2:
        raise DeepJSCCError(f"two pictures of one scene are needed, not {len(paths)}; choose both together")
    (left, said_left), (right, said_right) = (open_upload(path, PAIR_SIDE) for path in sorted(paths, key=_name))
    if left.size != right.size:
        raise DeepJSCCError(f"the two pictures must have the same size, not {said_left} and {said_right}")
    return (left, right), f"left {said_left}; right {said_right}"


def _name(path: str) -> str:
    return Path(path).name


def _check_uploaded(path: str) -> None:
    """Check that a path is a regular file in Gradio's upload folder, besides the checks of Gradio, which may change.

    Raises:
        DeepJSCCError: another file, a link, or no file; the message does not tell which.
    """
    if not is_uploaded(path, get_upload_folder()):
        raise DeepJSCCError(NOT_UPLOADED)


def load_upload(path: str) -> tuple[Any, Any, str]:
    """Load an upload; if it cannot be read, the previous picture stays and a note says why."""
    try:
        _check_uploaded(path)
        picture, note = open_upload(path)
    except DeepJSCCError as error:
        gr.Warning(str(error))
        return gr.skip(), gr.skip(), f"**{error}**"
    return picture, picture, note


def load_sample(name: str) -> tuple[Image.Image, Image.Image, str]:
    """Load a sample photograph."""
    with errors_on_page():
        picture, note = open_upload(str(sample_path(name)))
    return picture, picture, note


def load_pair(paths: list[str]) -> tuple[Any, Any, Any, str]:
    """Load a pair of uploads; if they are not a pair, the previous pair stays and a note says why."""
    try:
        for path in paths:
            _check_uploaded(path)
        pair, note = open_pair(paths)
    except DeepJSCCError as error:
        gr.Warning(str(error))
        return gr.skip(), gr.skip(), gr.skip(), f"**{error}**"
    return pair, *pair, note


def load_sample_pair() -> tuple[Pair, Image.Image, Image.Image, str]:
    """Load the sample pair."""
    with errors_on_page():
        pair, note = open_pair([str(path) for path in sample_pair()])
    return pair, *pair, note

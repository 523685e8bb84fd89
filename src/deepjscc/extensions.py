"""Extensions: channels, models, systems, codecs and metrics of a user's own file or of an installed package.

A user names an object by its file, as ``mine.py:Nakagami``, and gives parameters after another colon, as
``mine.py:Nakagami:m=2``. An installed package offers objects as entry points of the groups ``deepjscc.channels``,
``deepjscc.models``, ``deepjscc.systems``, ``deepjscc.codecs`` and ``deepjscc.metrics``.
"""

import hashlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Literal

from deepjscc.errors import DeepJSCCError, UsageError

Kind = Literal["channel", "model", "system", "codec", "metric"]
Value = bool | int | float | str

SUFFIX = ".py:"
MODULES = "deepjscc_extension_"  # beginning of the names of modules that come from a user's file


class ExtensionError(DeepJSCCError):
    """The code of an extension failed.

    Attributes:
        user_traceback: the traceback from where the extension's file comes into it.
    """

    def __init__(self, message: str, user_traceback: str) -> None:
        super().__init__(message)
        self.user_traceback = user_traceback


@dataclass(frozen=True)
class Reference:
    """A name with parameters, as a command line or a recipe gives them.

    Attributes:
        name: ``nakagami``, or ``mine.py:Nakagami``.
        options: the parameters, by keyword.
    """

    name: str
    options: Mapping[str, Value] = field(default_factory=dict)


def is_file_reference(text: str) -> bool:
    """Return whether a text names an object of a file, as ``mine.py:Nakagami`` does."""
    return SUFFIX in text


def parse_reference(text: str) -> Reference:
    """Split a name from its parameters.

    >>> parse_reference("rician:k_factor_db=3")
    Reference(name='rician', options={'k_factor_db': 3})
    >>> parse_reference("mine.py:Nakagami:m=0.5,csi=none")
    Reference(name='mine.py:Nakagami', options={'m': 0.5, 'csi': 'none'})

    Raises:
        UsageError: a parameter that is not KEY=VALUE, or that is given twice.
    """
    path, suffix, rest = text.partition(SUFFIX)
    name, _, parameters = (rest if suffix else text).partition(":")
    options: dict[str, Value] = {}
    for part in parameters.split(",") if parameters else []:
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not key.isidentifier():
            raise UsageError(f"{text}: a parameter is KEY=VALUE, such as {name}:m=2, not {part!r}")
        if key in options:
            raise UsageError(f"{text}: the parameter {key} is given twice")
        options[key] = _value(value)
    return Reference(path + suffix + name if suffix else name, options)


def _value(text: str) -> Value:
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def load_object(reference: str, kind: Kind) -> Any:
    """Load an object of a user's file.

    The file is run once in a process, as a module of its own; it may import other files beside it only if Python finds
    them without our help.

    Args:
        reference: ``path.py:name``.
        kind: what it is to be, for the error messages.

    Raises:
        UsageError: not such a reference, or the file has no such name.
        DeepJSCCError: there is no such file.
        ExtensionError: the file raised an error.
    """
    path_text, suffix, name = reference.partition(SUFFIX)
    path = Path(path_text + ".py")
    if not suffix or not name.isidentifier():
        raise UsageError(f"{reference!r} does not name a {kind} of a file; write path.py:name")
    if not path.is_file():
        raise DeepJSCCError(f"{path}: no such file, from which the {kind} {name} was to come")
    module = _run(path.resolve(), reference)
    if not hasattr(module, name):
        names = [each for each, value in vars(module).items() if callable(value) and not each.startswith("_")]
        raise UsageError(f"{path} has no {kind} {name}; it has {', '.join(names) or 'nothing that can be called'}")
    return getattr(module, name)


def find_installed(name: str, kind: Kind) -> Any | None:
    """The object that an installed package offers under this name; None if none does.

    Raises:
        ExtensionError: the package raised an error while it was imported.
    """
    for point in entry_points(group=f"deepjscc.{kind}s", name=name):
        try:
            return point.load()
        except Exception as error:
            text = f"the {kind} {name} of the installed package {point.value} failed: {_last_line(error)}"
            raise ExtensionError(text, "".join(traceback.format_exception(error))) from None
    return None


def installed_names(kind: Kind) -> list[str]:
    """Names that installed packages offer."""
    return sorted(point.name for point in entry_points(group=f"deepjscc.{kind}s"))


def build(make: Callable[..., Any], options: Mapping[str, Any], name: str, kind: Kind) -> Any:
    """Call a class or function with the parameters of a reference.

    Raises:
        UsageError: a parameter that it does not take, or one that is missing.
        ExtensionError: an error within an extension's code.
    """
    try:
        inspect.signature(make).bind(**options)
    except TypeError as error:
        taken = ", ".join(inspect.signature(make).parameters) or "none"
        raise UsageError(f"the {kind} {name}: {error}; its parameters are: {taken}") from None
    try:
        return make(**with_floats(make, options))
    except DeepJSCCError:
        raise
    except Exception as error:
        framed = frame_error(error)
        if framed is None:
            raise
        raise framed from None


def with_floats(make: Callable[..., Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The options with a whole number as a float where ``make`` says that it takes a float: ``m=2`` is ``m=2.0``."""
    try:
        parameters = inspect.signature(make, eval_str=True).parameters
    except (NameError, TypeError, ValueError):  # annotations that cannot be evaluated here
        return dict(options)
    floats = {name for name, each in parameters.items() if each.annotation in (float, float | None)}
    return {name: float(value) if name in floats and type(value) is int else value for name, value in options.items()}


def content_hash(reference: str) -> str | None:
    """First 12 hex digits of the SHA-256 of the file that a reference names; None for a name without a file."""
    path, suffix, _ = reference.partition(SUFFIX)
    if not suffix or not Path(path + ".py").is_file():
        return None
    return hashlib.sha256(Path(path + ".py").read_bytes()).hexdigest()[:12]


def frame_error(error: BaseException) -> ExtensionError | None:
    """An error that passed through an extension's file, as that file's error; None if it did not.

    The traceback leaves out the frames of this package before the file is entered, so that users see their own code.
    """
    frames = list(traceback.walk_tb(error.__traceback__))
    entered = [index for index, (frame, _) in enumerate(frames) if _is_extension(frame.f_globals.get("__name__"))]
    if not entered:
        return None
    frame, line = frames[entered[-1]]
    lines = ["Traceback of your code (most recent call last):\n"]
    lines += traceback.StackSummary.extract(iter(frames[entered[0] :])).format()
    lines += traceback.format_exception_only(error)
    where = f"{frame.f_code.co_filename}, line {line}, in {frame.f_code.co_name}"
    return ExtensionError(f"an error in your code: {where}: {_last_line(error)}", "".join(lines))


def _is_extension(module: Any) -> bool:
    return isinstance(module, str) and module.startswith(MODULES)


def _run(path: Path, reference: str) -> Any:
    """The module of a file, run if it was not yet."""
    name = f"{MODULES}{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # before it runs, as Python's own import does: dataclasses look themselves up there
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        if isinstance(error, SyntaxError):
            text = "".join(traceback.format_exception_only(error))
            where = f"{error.filename}, line {error.lineno}"
            raise ExtensionError(f"an error in your code: {where}: {_last_line(error)}", text) from None
        framed = frame_error(error)
        raise framed if framed is not None else DeepJSCCError(f"{reference}: {_last_line(error)}") from None
    return module


def _last_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__

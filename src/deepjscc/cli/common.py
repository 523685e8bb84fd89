"""Helpers that commands share: option types, pictures by name, tables and JSON."""

import json
import math
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from deepjscc.cli.tables import print_table
from deepjscc.errors import DeepJSCCWarning, UsageError
from deepjscc.files import refuse_folder
from deepjscc.units import parse_design_snr, parse_snr_list

if TYPE_CHECKING:
    from deepjscc.channels import Channel
    from deepjscc.workers import Workers

__all__ = ["print_table"]  # from cli.tables, beside what is defined here
SECONDS_BETWEEN_LINES = 30.0
SEEDS = 2**63  # what a table's column of whole numbers and torch's generators take


def no_folder(kind: object, path: Path) -> None:
    """Refuse a folder as the place of an output file: a validator of an option."""
    refuse_folder(path)


def _seed_in_range(kind: object, seed: int) -> None:
    if not 0 <= seed < SEEDS:
        raise UsageError(f"--seed must be from 0 to 2^63 - 1, not {seed}")


Output = Annotated[Path, Parameter(name=["--output", "-o"], help="The file or folder that the result is written to.")]
OutputFile = Annotated[
    Path, Parameter(name=["--output", "-o"], help="The file that the result is written to.", validator=no_folder)
]
Snr = Annotated[str, Parameter(allow_leading_hyphen=True, help="Channel SNR P/N0 in dB; inf for no noise.")]
OptionalSnr = Annotated[
    str | None,
    Parameter(allow_leading_hyphen=True, help="Channel SNR P/N0 in dB; inf for no noise. If it is not given: 10."),
]
Snrs = Annotated[str, Parameter(allow_leading_hyphen=True, help="Channel SNRs in dB, such as -5,0,5 or -5:20:5.")]
EncoderSnr = Annotated[
    str | None,
    Parameter(
        allow_leading_hyphen=True,
        help="Design SNR in dB, which the transmitter plans for. The default is the channel's SNR.",
    ),
]
Belief = Annotated[
    str | None,
    Parameter(
        allow_leading_hyphen=True,
        help="Design SNR in dB, which the transmitter plans for; 10±6 (or 10+-6) if it knows only a range. "
        "The default is the channel's SNR.",
    ),
]
DesignSnr = Annotated[
    str,
    Parameter(
        allow_leading_hyphen=True,
        help="Design SNR in dB, which the transmitter plans for; 10±6 (or 10+-6) if it knows only a range.",
    ),
]
OptionalDesignSnr = Annotated[
    str | None,
    Parameter(
        allow_leading_hyphen=True,
        help="Design SNR in dB, which the transmitter plans for; 10±6 (or 10+-6) if it knows only a range. The default "
        "is 10.",
    ),
]
Systems = Annotated[
    list[str],
    Parameter(name="--system", negative="", help="System, MODEL or CODEC+CODING; repeat the option for several."),
]
Ratio = Annotated[
    str | None,
    Parameter(
        help="Bandwidth ratio, complex channel uses per source value, such as 1/12. The default is the model's own."
    ),
]
MaxPixels = Annotated[
    int,
    Parameter(
        help="Largest number of pixels of a picture. JPEG2000 is always limited to 40 million, AVIF to 100 million."
    ),
]
Device = Annotated[
    str,
    Parameter(help="Device of the networks: cpu, cuda, cuda:1 or mps. Codecs and the channel stay on the CPU."),
]
BitErrorRate = Annotated[
    float | None,
    Parameter(help="Share of bits that are flipped, the channel of symbols that are sent as bits."),
]
Json = Annotated[bool, Parameter(name="--json", negative="", help="Print the result as JSON.")]
Simulate = Annotated[
    bool, Parameter(negative="", help="Send every bit of LDPC codes instead of looking up their error rates.")
]
Seed = Annotated[
    int, Parameter(help="Seed of the random generator for fading gains and noise.", validator=_seed_in_range)
]


@Parameter(name="*")
@dataclass(frozen=True)
class ChannelOptions:
    """The channel between the antennas."""

    channel: Annotated[
        str,
        Parameter(
            help="awgn, rayleigh, rician, clipped, mimo, tdl-a, tdl-c, cdl-c, or a class in a file, such as "
            "mine.py:Nakagami. Parameters follow the name, for example rician:k_factor_db=3 or "
            "mimo:transmit=4,receive=4,precoding=svd."
        ),
    ] = "awgn"
    coherence: Annotated[
        Literal["image", "symbol"] | None,
        Parameter(help="Whether the gain changes with every image or with every symbol."),
    ] = None
    csi: Annotated[
        Literal["none", "receiver", "estimated"] | None, Parameter(help="What the receiver knows of the gain.")
    ] = None
    k_factor_db: Annotated[float | None, Parameter(help="Rician K factor in dB.")] = None

    def build(self) -> "Channel":
        """The channel itself.

        Raises:
            UsageError: an unknown name, or an option this channel does not have.
        """
        from deepjscc.channels import make_channel

        return make_channel(self.channel, coherence=self.coherence, csi=self.csi, k_factor_db=self.k_factor_db)


def one_snr(text: str) -> float:
    """A single SNR in dB.

    Raises:
        UsageError: NaN, not a number, or several.
    """
    values = parse_snr_list(text)
    if len(values) != 1:
        raise UsageError(f"this option takes one SNR, not {text!r}")
    return values[0]


def design_snr(text: str | None) -> tuple[float | None, float]:
    """Design SNR and half the width of the range around it in dB; None and 0 where no design SNR is given.

    Raises:
        UsageError: neither an SNR nor a range.
    """
    return (None, 0.0) if text is None else parse_design_snr(text)


def picture_path(image: str) -> Path:
    """A picture by path, or ``sample:NAME`` for one of scikit-image's photographs.

    Raises:
        UsageError: no such sample.
    """
    if not image.startswith("sample:"):
        return Path(image)
    from deepjscc.data.samples import NAMES, sample_path

    name = image.removeprefix("sample:")
    if name not in NAMES:
        raise UsageError(f"no sample {name!r}; there are {', '.join(NAMES)}")
    return sample_path(name)


def print_json(value: Any) -> None:
    """Print JSON on standard output; what is not finite becomes null."""
    print(json.dumps(finite(value), indent=2))


def finite(value: Any) -> Any:
    """Replace numbers that are not finite, at any depth, by None, because JSON cannot express them."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_note(note: str | None) -> None:
    """Print a note on standard error; None prints nothing."""
    if note is not None:
        print(f"deepjscc: {note}", file=sys.stderr)


@contextmanager
def notes() -> Iterator[None]:
    """Print the package's warnings in this block as notes on standard error, each once."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", DeepJSCCWarning)
        yield
    for note in dict.fromkeys(str(warning.message) for warning in caught):
        print_note(note)


@contextmanager
def progress() -> Iterator[Callable[[int, int | None, str], None]]:
    """Report progress on standard error, as ``on_progress(done, total, label)``; a total of None is not known.

    A terminal shows a bar. Elsewhere, as in a log file, a line comes every :data:`SECONDS_BETWEEN_LINES`.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        with _progress_lines() as on_progress:
            yield on_progress
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None)

        def on_progress(done: int, total: int | None, label: str) -> None:
            bar.update(task, completed=done, total=total, description=label)

        yield on_progress


@contextmanager
def _progress_lines() -> Iterator[Callable[[int, int | None, str], None]]:
    """Print the latest progress as a line at regular intervals, also while one step takes long."""
    begun, ended = time.monotonic(), threading.Event()
    last: list[tuple[int, int | None, str]] = []

    def write_lines() -> None:
        while not ended.wait(SECONDS_BETWEEN_LINES):
            if last:
                print_note(progress_line(*last[-1], time.monotonic() - begun))

    def on_progress(done: int, total: int | None, label: str) -> None:
        last[:] = [(done, total, label)]

    writer = threading.Thread(target=write_lines, daemon=True)
    writer.start()
    try:
        yield on_progress
    finally:
        ended.set()
        writer.join()


def progress_line(done: int, total: int | None, label: str, seconds: float) -> str:
    """Progress in words: how much is done, for how long, and how long the rest takes at this pace."""
    line = f"{label}: {done}" if total is None else f"{label}: {done} of {total}"
    line += f" after {seconds:.0f} s"
    if total is not None and 0 < done < total:
        line += f", about {seconds * (total - done) / done:.0f} s left"
    return line


@Parameter(name="*")
@dataclass(frozen=True)
class WorkerOptions:
    """Options for the workers of a command."""

    workers: Annotated[
        int | None,
        Parameter(help="Number of worker processes of one thread each; 0 uses this process only.", show_default=False),
    ] = None
    cluster: Annotated[bool, Parameter(negative="", help="Use a Ray cluster: a local one, or that of --address.")] = (
        False
    )
    address: Annotated[str | None, Parameter(help="HOST:PORT of a running Ray cluster, or auto.")] = None

    def build(self, default: int) -> "Workers | None":
        """The workers themselves, ``default`` processes where nothing is asked for; None: this process alone.

        Raises:
            UsageError: options that exclude one another.
            DeepJSCCError: Ray is missing, or no cluster answers.
        """
        from deepjscc.workers import Cluster, Processes

        if self.cluster or self.address is not None:
            if self.workers is not None:
                raise UsageError("a cluster has its own number of workers; leave --workers out")
            return Cluster(self.address)
        count = default if self.workers is None else self.workers
        if count < 0:
            raise UsageError("--workers must be 0 or more")
        return Processes(count) if count else None

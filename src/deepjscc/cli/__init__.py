"""The command line. Each command has its own module, which is imported when the command is called."""

import errno
import os
import sys
import warnings
from typing import Annotated

from cyclopts import App, Parameter
from cyclopts.exceptions import CycloptsError

from deepjscc import __version__, threads
from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.extensions import ExtensionError, frame_error

COMMANDS = {
    "send": "Send a picture over a noisy channel, and compare with digital links of equal bandwidth.",
    "send-pair": "Send two pictures of one scene, each over its own channel, to one receiver.",
    "sheet": "Draw a sheet of one picture as several systems deliver it at several SNRs.",
    "encode": "Turn a picture into I/Q symbols (a SigMF recording).",
    "channel": "Pass recorded symbols, or a recorded radio signal, through a channel.",
    "decode": "Turn received symbols back into a picture.",
    "tx": "Send pictures as a radio signal: to a file, a socket or a pipe.",
    "rx": "Receive pictures from a radio signal.",
    "bulk": "Send or encode a folder or bucket of pictures with many workers.",
    "evaluate": "Measure systems over images and SNRs into a Parquet table.",
    "plot": "Draw curves of results tables, for a screen or a paper.",
    "compare": "Compare systems of results tables by BD-PSNR and BD-rate.",
    "quality": "Measure the quality of a received picture against its reference by every metric.",
    "papers": "Reproduce a paper's figures and check its claims.",
    "models": "List the models of the zoo.",
    "export": "Export the encoder and the decoder of a model as separate ONNX or OpenVINO graphs.",
    "fit": "Fit a code that has a closed form to a folder of photographs.",
    "train": "Train a model by a recipe.",
    "grid": "Train every combination of a grid of settings, several at a time.",
    "serve": "Serve a web page with sliders that sends a picture over a channel.",
    "bler": "Measure block error rates of LDPC codes by Monte Carlo simulation.",
    "fetch": "Download a data set and check it.",
}

COMPUTING = set(COMMANDS) - {"plot", "compare", "models", "fetch"}  # the others are done before a thread would start

app = App(
    name="deepjscc",
    help="Deep joint source-channel coding: pictures over noisy channels.",
    version=__version__,
    suppress_keyboard_interrupt=False,  # `main` says that it was interrupted, and exits with 130
)
app.meta.suppress_keyboard_interrupt = False
for _name, _help in COMMANDS.items():
    _place = _name.replace("-", "_")
    app.command(f"deepjscc.cli.{_place}:{_place}", name=_name, help=_help)


def command(name: str) -> App:
    """A command whose help is its whole docstring; the list of commands has one line of each, and imports none."""
    found = app[name]
    found.help = None
    return found


Threads = Annotated[
    int | None,
    Parameter(
        name="--threads", help="Number of threads of torch. The default is OMP_NUM_THREADS, or else the idle cores."
    ),
]


@app.meta.default
def _with_threads(
    *arguments: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)], threads_: Threads = None
) -> None:
    """Set the number of threads, then run the command."""
    if threads_ is not None and threads_ < 1:
        raise UsageError("--threads must be at least 1")
    if threads_ is not None:
        threads.limit_threads(threads_)
    elif (
        COMPUTING.intersection(arguments[:1])
        and not {"--help", "-h"}.intersection(arguments)
        and "OMP_NUM_THREADS" not in os.environ
    ):
        threads.limit_threads(threads.free_cores())
    app(arguments, exit_on_error=False, print_error=False, result_action="return_value")


def main(arguments: list[str] | None = None) -> None:
    """Run a command. An error is printed as one line; the exit code is 1, or 2 for wrong usage."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        if arguments and arguments[0] in COMMANDS and {"--help", "-h"}.intersection(arguments):
            command(arguments[0])
        with warnings.catch_warnings():
            if not sys.warnoptions:  # the warnings of libraries would stand beside our one line
                warnings.simplefilter("ignore")
            app.meta(arguments, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        _fail(" ".join(str(error).split()), 2)
    except UsageError as error:
        _fail(str(error), 2)
    except ExtensionError as error:
        _fail_in_extension(error)
    except DeepJSCCError as error:
        _fail(str(error), 1)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has left: nothing to tell it
        sys.exit(1)
    except MemoryError:
        _fail("not enough memory; use a smaller image or batch", 1)
    except KeyboardInterrupt:
        _fail("interrupted", 130)
    except BaseException as error:
        if _lacks_descriptors(error):
            _fail("too many files are open; allow more with ulimit -n", 1)
        framed = frame_error(error) if isinstance(error, Exception) else None
        if framed is None:
            raise
        _fail_in_extension(framed)


def _lacks_descriptors(error: BaseException) -> bool:
    """Whether a process has no file descriptor left; Polars panics then, which is no Exception."""
    return (isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE)) or "TooManyOpenFiles" in str(
        error
    )


def _fail_in_extension(error: ExtensionError) -> None:
    """Show users the traceback of their own code, then the one line."""
    print(error.user_traceback, file=sys.stderr, end="")
    _fail(str(error), 1)


def _fail(message: str, code: int) -> None:
    print(f"deepjscc: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(code)

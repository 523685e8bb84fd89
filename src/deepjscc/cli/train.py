"""`deepjscc train`: trains a model by a recipe."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from deepjscc.cli.common import Json, OutputFile, notes, print_json, progress
from deepjscc.errors import DeepJSCCError, UsageError


def train(
    recipe: Path,
    *,
    output: OutputFile,
    set_: Annotated[
        list[str] | None,
        Parameter(name="--set", negative="", help="Value to change, such as channel.snr_db=0."),
    ] = None,
    minutes: Annotated[
        float | None,
        Parameter(
            help="Minutes after which the training ends, with an annealed learning rate; with --resume, the default is "
            "that of the run."
        ),
    ] = None,
    resume: Annotated[bool, Parameter(negative="", help="Continue from the newest state in OUTPUT.run/.")] = False,
    begin: Annotated[
        Path | None,
        Parameter(help="State of an earlier run, with whose weights and moments a new schedule begins."),
    ] = None,
    device: Annotated[
        Literal["auto", "cpu", "cuda"], Parameter(help="Device for the training; auto takes GPUs if there are any.")
    ] = "auto",
    json: Json = False,
) -> None:
    """Train a model by a recipe. Under torchrun or SLURM, several processes train together.

    The averaged weights are written to OUTPUT after every epoch, the state and the logs (CSV, TensorBoard) to
    OUTPUT.run/.

    Args:
        recipe: A TOML file; see recipes/.
    """
    if minutes is not None and not minutes > 0:
        raise UsageError("--minutes must be more than 0")
    if begin is not None and resume:
        raise UsageError("give only one of --resume, which continues this run, and --begin, which starts a new one")
    if output.suffix != ".safetensors":
        raise UsageError(f"{output}: the name of the weights must end in .safetensors")

    from deepjscc.training.recipe import read_recipe

    settings = read_recipe(recipe, set_ or [])
    try:
        from deepjscc.training.logs import Progress
        from deepjscc.training.loop import train as run
    except ModuleNotFoundError as error:
        raise DeepJSCCError(f"training needs {error.name}: pip install 'deepjscc[train]'") from None

    reported: list[Progress] = []
    with notes(), progress() as bar:

        def on_progress(now: Progress) -> None:
            reported[:] = [now]
            bar(round(1000 * now.share), 1000, now.describe())
            if now.validation_psnr_db is not None or now.share >= 1:
                print_json(vars(now)) if json else print(now.describe(), flush=True)

        run(settings, output, minutes=minutes, resume=resume, begin=begin, on_progress=on_progress, device=device)
    if reported and not json:  # in one of several processes alone
        print(f"weights written to {output}; states and logs written to {output}.run")

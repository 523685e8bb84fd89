"""`deepjscc train`: a model by a recipe."""

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
        list[str] | None, Parameter(name="--set", help="A value to change, as channel.snr_db=0; give several.")
    ] = None,
    minutes: Annotated[
        float | None,
        Parameter(help="Anneal and end after this time in all; with --resume, the default is the run's own."),
    ] = None,
    resume: Annotated[bool, Parameter(negative="", help="Continue from the newest state in OUTPUT.run/.")] = False,
    begin: Annotated[
        Path | None, Parameter(help="A state of an earlier run, whose weights and moments a new schedule begins with.")
    ] = None,
    device: Annotated[
        Literal["auto", "cpu", "cuda"], Parameter(help="Device for the training; auto: GPUs where there are any.")
    ] = "auto",
    json: Json = False,
) -> None:
    """Train a model by a recipe; under torchrun or SLURM, in several processes.

    The averaged weights go to OUTPUT after every epoch, the run's state and logs (CSV, TensorBoard) to OUTPUT.run/.

    Args:
        recipe: A TOML file; see recipes/.
    """
    if minutes is not None and not minutes > 0:
        raise UsageError("--minutes must be more than 0")
    if begin is not None and resume:
        raise UsageError("--resume goes on with this run, --begin starts another from a state; give one of them")
    if output.suffix != ".safetensors":
        raise UsageError(f"{output}: weights are safetensors; give a name that ends in .safetensors")

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

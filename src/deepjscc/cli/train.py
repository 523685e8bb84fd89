"""`deepjscc train`: a model by a recipe."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from deepjscc.cli.common import Json, Output, print_json
from deepjscc.errors import UsageError


def train(
    recipe: Path,
    *,
    output: Output,
    set_: Annotated[
        list[str] | None, Parameter(name="--set", help="A value to change, as channel.snr_db=0; give several.")
    ] = None,
    minutes: Annotated[float | None, Parameter(help="End, annealed, after this time.")] = None,
    json: Json = False,
) -> None:
    """Train a model by a recipe; the weights are written after every epoch.

    Args:
        recipe: A TOML file; see recipes/.
    """
    if minutes is not None and not minutes > 0:
        raise UsageError("--minutes must be more than 0")
    if output.suffix != ".safetensors":
        raise UsageError(f"{output}: weights are safetensors; give a name that ends in .safetensors")

    from deepjscc.training.loop import Progress
    from deepjscc.training.loop import train as run
    from deepjscc.training.recipe import read_recipe

    def say(progress: Progress) -> None:
        if json:
            print_json(vars(progress))
            return
        quality = progress.validation_psnr_db
        quality_text = "" if quality is None else f", validation {quality:.2f} dB"
        print(
            f"epoch {progress.epoch} ({100 * progress.share:.0f}%): loss {progress.loss:.6f}{quality_text}, "
            f"{progress.images_per_s:.0f} images/s",
            flush=True,
        )

    run(read_recipe(recipe, set_ or []), output, minutes=minutes, say=say)

"""What the commands of `tools/zoo.py` share: measuring, wording and storing a card."""

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import tomlkit

from deepjscc import zoo
from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.evaluation.sweep import Plan, sweep
from deepjscc.evaluation.table import summarise
from deepjscc.files import write_atomically
from deepjscc.models import JSCC, Cnn, DistributedLinear, PairJSCC, Staged
from deepjscc.models.checkpoint import file_hash

PHOTOGRAPHS = "CID22 training part (Cloudinary, CC BY-SA 4.0): 186 photographs, 512x512"
CIFAR10 = "CIFAR-10, 50,000 training images (no formal licence, free research use with citation)"
KITTI = (
    "127 stereo pairs of KITTI (Geiger et al. 2012, 2013; Menze, Geiger 2015; CC BY-NC-SA 3.0: non-commercial), scaled "
    "to 128 pixels high; from weights trained on " + PHOTOGRAPHS
)


@dataclass(frozen=True)
class Zoo:
    """Where cards and weights lie; the package's own folder unless a test names another."""

    folder: Path = Path(zoo.__file__).parent

    def weights(self, name: str) -> Path:
        """The weights' file of a name."""
        return self.folder / "weights" / f"{name}.safetensors"

    def store(self, name: str, weights: Path, card: dict[str, Any]) -> None:
        """Copy weights into the zoo and write their card beside them, the checksum filled in.

        Args:
            name: of the card.
            weights: the file to copy; it may lie in place already.
            card: the entries of :class:`deepjscc.zoo.Card`, without name and sha256.
        """
        if weights != self.weights(name):
            shutil.copy(weights, self.weights(name))
        entries = {"model": card["model"], "sha256": file_hash(self.weights(name))} | card
        text = tomlkit.dumps(entries)
        write_atomically(self.folder / "cards" / f"{name}.toml", lambda file: file.write(text.encode()))
        zoo.cards.cache_clear()


def mean_psnr_db(plan: Plan) -> list[float]:
    """Measure a system and average: the mean per-image PSNR at each SNR of the plan, in dB."""
    return [round(value, 2) for value in table(plan).sort("snr_db")["psnr_db"]]


def table(plan: Plan) -> pl.DataFrame:
    """Measure what a plan names and average over its images."""
    return summarise(rows(plan))


def rows(plan: Plan) -> pl.DataFrame:
    """Measure what a plan names: one row per image."""
    with tempfile.TemporaryDirectory() as folder:
        return sweep(plan, Path(folder) / "t.parquet")


def command(name: str, data: str, options: str, snrs_db: Sequence[float]) -> str:
    """The command that prints a card's curve."""
    listed = ",".join(f"{snr:g}" for snr in snrs_db)
    return f"deepjscc evaluate --system {name} --data {data} {options}--snr-db={listed} -o t.parquet"


def keep_the_better(name: str, held: Sequence[float], new: Sequence[float]) -> None:
    """Stop where the zoo holds weights that are as good.

    Raises:
        DeepJSCCError: the sum of the new values is not larger than that of the ones held.
    """
    if sum(held) >= sum(new):
        raise DeepJSCCError(f"{name}: the zoo holds {list(held)} dB, the new weights {list(new)} dB; nothing replaced")


def form(model: JSCC) -> str:
    """Describe a model for 32x32 images in a few words.

    Raises:
        UsageError: a model of another kind.
    """
    if isinstance(model, Staged):
        anywhere = ", any prefix" if model.config.get("any_prefix") else ""
        return f"successive refinement, {model.kind.replace('_', ' ')}, {model.stages} stages of 1/12{anywhere}"
    if not isinstance(model, Cnn):
        raise UsageError(f"{model.kind} is no model for 32x32 images; add it by another command")
    if model.dense_reals:
        return f"the original deep JSCC, fully connected form, k = {model.dense_reals} reals"
    return f"the original deep JSCC, convolutional form, c = {model.filters}"


def summary_of_pairs(model: PairJSCC, name: str) -> str:
    if name.endswith("photos"):
        return "any single picture at ratio 0.052 by the encoder and decoder that the two-camera models start from"
    decoded = "two cameras, decoded together by cross attention" if model.joint else "two cameras, each decoded alone"
    if isinstance(model, DistributedLinear):
        decoded += ", around the linear code"
    return f"{decoded}, at ratio 0.052 each, {'tuned for MS-SSIM' if 'ssim' in name else 'for PSNR'}; non-commercial"


def mean_by_snr(measured: pl.DataFrame, column: str, digits: int) -> list[float]:
    means = measured.group_by("snr_db").agg(pl.col(column).mean()).sort("snr_db")[column]
    return [round(value, digits) for value in means if value is not None]

"""Put trained CIFAR-10 weights into the zoo: in half precision where that costs under 0.01 dB, with a measured card.

python recipes/add_to_zoo.py WEIGHTS NAME CHANNEL SNR_DB "TRAINING"       (CHANNEL: awgn or rayleigh)

CIFAR-10 must be in $DEEPJSCC_DATA. Weights that are in the zoo already are replaced only by better ones (at SNR_DB).
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import polars as pl
import torch

from deepjscc.evaluation.sweep import Plan, sweep
from deepjscc.evaluation.table import summarise
from deepjscc.models import JSCC, Cnn, Staged
from deepjscc.models.checkpoint import file_hash, load_checkpoint, save_checkpoint
from deepjscc.zoo import cards

ZOO = Path(__file__).parents[1] / "src" / "deepjscc" / "zoo"
SNRS = (0.0, 5.0, 10.0, 15.0, 20.0)
FADING = {"channel": "rayleigh", "coherence": "image", "csi": "none"}

CARD = """\
model = "{model}"
sha256 = "{sha256}"
licence = "research use (CIFAR-10 has no formal licence; cite Krizhevsky 2009)"
summary = "{form}, for 32x32 images over {air} at {snr_db:g} dB"
data = "CIFAR-10, 50,000 training images (no formal licence, free research use with citation)"
training = {training}
bandwidth_ratio = "{uses}/3072"
snr_db = "{snr_db:g}"

[measured]
command = "{command}"
data_set = "CIFAR-10, 10,000 test images, mean per-image PSNR on 8 bits (pooled: psnr_pooled)"
snr = {snrs}
"""


def measure(system: str, channel: str, folder: Path, snrs: tuple[float, ...]) -> pl.DataFrame:
    """Per-image and pooled PSNR at each SNR, on all test images, after each stage."""
    options = FADING if channel == "rayleigh" else {}
    plan = Plan((system,), "cifar10", snrs, **options)  # type: ignore[arg-type]
    return summarise(sweep(plan, folder / "t.parquet")).sort("stage", "snr_db")


def final(means: pl.DataFrame) -> float:
    """The PSNR of the whole transmission, by image."""
    return float(means["psnr_db"][-1])


def form(model: JSCC) -> str:
    """What the model is, in a few words."""
    if isinstance(model, Staged):
        anywhere = ", any prefix" if model.config.get("any_prefix") else ""
        return f"successive refinement, {model.kind.replace('_', ' ')}, {model.stages} stages of 1/12{anywhere}"
    assert isinstance(model, Cnn)
    if model.dense_reals:
        return f"the original deep JSCC, fully connected form, k = {model.dense_reals} reals"
    return f"the original deep JSCC, convolutional form, c = {model.filters}"


def main(weights: Path, name: str, channel: str, snr_db: float, training: str) -> None:
    """Measure, compare with what is there, write weights and card."""
    model = load_checkpoint(weights)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        half, full = folder / "half.safetensors", folder / "full.safetensors"
        save_checkpoint(model, half, torch.float16)
        save_checkpoint(model, full)
        ours = {path: final(measure(str(path), channel, folder, (snr_db,))) for path in (half, full)}
        chosen = half if ours[half] > ours[full] - 0.01 else full
        if name in cards() and final(measure(name, channel, folder, (snr_db,))) >= ours[chosen]:
            sys.exit(f"{name}: what the zoo holds is as good; left alone")
        means = measure(str(chosen), channel, folder, SNRS)
        shutil.copy(chosen, ZOO / "weights" / f"{name}.safetensors")
    options = " --channel rayleigh --coherence image --csi none" if channel == "rayleigh" else ""
    card = CARD.format(
        model=model.kind,
        sha256=file_hash(ZOO / "weights" / f"{name}.safetensors"),
        form=form(model),
        air="slow Rayleigh fading without CSI" if channel == "rayleigh" else "AWGN",
        snr_db=snr_db,
        training=json.dumps(training),
        uses=model.uses((32, 32)),
        command=f"deepjscc evaluate --system {name} --data cifar10{options} --snr-db=0:20:5 -o measured.parquet",
        snrs=[int(snr) for snr in SNRS],
    )
    for (stage,), rows in means.group_by("stage", maintain_order=True):
        ending = "" if stage is None or stage == means["stage"].max() else f"_after_{stage}"
        for column, values in (("psnr", rows["psnr_db"]), ("psnr_pooled", rows["psnr_pooled_db"])):
            card += f"{column}{ending} = {[round(value, 2) for value in values]}\n"
    (ZOO / "cards" / f"{name}.toml").write_text(card)
    print(name, [round(value, 2) for value in means["psnr_db"]], flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], float(sys.argv[4]), sys.argv[5])

"""Put trained CIFAR-10 weights into the zoo: in half precision where that costs under 0.01 dB, with a measured card.

python recipes/add_to_zoo.py WEIGHTS NAME CHANNEL SNR_DB "TRAINING"       (CHANNEL: awgn or rayleigh)

CIFAR-10 must be in $DEEPJSCC_DATA. Weights that are in the zoo already are replaced only by better ones (at SNR_DB).
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import torch

from deepjscc.evaluation.sweep import Plan, sweep
from deepjscc.evaluation.table import summarise
from deepjscc.models.checkpoint import file_hash, load_checkpoint, save_checkpoint
from deepjscc.models.cnn import Cnn
from deepjscc.zoo import cards

ZOO = Path(__file__).parents[1] / "src" / "deepjscc" / "zoo"
SNRS = (0.0, 5.0, 10.0, 15.0, 20.0)
FADING = {"channel": "rayleigh", "coherence": "image", "csi": "none"}

CARD = """\
model = "cnn"
sha256 = "{sha256}"
licence = "research use (CIFAR-10 has no formal licence; cite Krizhevsky 2009)"
summary = "the original deep JSCC, {form}, for 32x32 images over {air} at {snr_db:g} dB"
data = "CIFAR-10, 50,000 training images (no formal licence, free research use with citation)"
training = {training}
bandwidth_ratio = "{uses}/3072"
snr_db = "{snr_db:g}"

[measured]
command = "{command}"
data_set = "CIFAR-10, 10,000 test images, mean per-image PSNR on 8 bits (pooled: psnr_pooled)"
snr = {snrs}
psnr = {psnr}
psnr_pooled = {pooled}
"""


def measure(system: str, channel: str, folder: Path, snrs: tuple[float, ...]) -> tuple[list[float], list[float]]:
    """Per-image and pooled PSNR at each SNR, on all test images."""
    options = FADING if channel == "rayleigh" else {}
    table = sweep(Plan((system,), "cifar10", snrs, **options), folder / "t.parquet")  # type: ignore[arg-type]
    means = summarise(table).sort("snr_db")
    return [[round(value, 2) for value in means[name]] for name in ("psnr_db", "psnr_pooled_db")]  # type: ignore[return-value]


def main(weights: Path, name: str, channel: str, snr_db: float, training: str) -> None:
    """Measure, compare with what is there, write weights and card."""
    model = load_checkpoint(weights)
    assert isinstance(model, Cnn)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        half, full = folder / "half.safetensors", folder / "full.safetensors"
        save_checkpoint(model, half, torch.float16)
        save_checkpoint(model, full)
        ours = {path: measure(str(path), channel, folder, (snr_db,))[0][0] for path in (half, full)}
        chosen = half if ours[half] > ours[full] - 0.01 else full
        if name in cards() and measure(name, channel, folder, (snr_db,))[0][0] >= ours[chosen]:
            sys.exit(f"{name}: what the zoo holds is as good; left alone")
        psnr, pooled = measure(str(chosen), channel, folder, SNRS)
        shutil.copy(chosen, ZOO / "weights" / f"{name}.safetensors")
    form = (
        f"fully connected form, k = {model.dense_reals} reals"
        if model.dense_reals
        else f"convolutional form, c = {model.filters}"
    )
    options = " --channel rayleigh --coherence image --csi none" if channel == "rayleigh" else ""
    card = CARD.format(
        sha256=file_hash(ZOO / "weights" / f"{name}.safetensors"),
        form=form,
        air="slow Rayleigh fading without CSI" if channel == "rayleigh" else "AWGN",
        snr_db=snr_db,
        training=json.dumps(training),
        uses=model.uses((32, 32)),
        command=f"deepjscc evaluate --system {name} --data cifar10{options} --snr-db=0:20:5 -o measured.parquet",
        snrs=[int(snr) for snr in SNRS],
        psnr=psnr,
        pooled=pooled,
    )
    (ZOO / "cards" / f"{name}.toml").write_text(card)
    print(name, psnr)


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], float(sys.argv[4]), sys.argv[5])

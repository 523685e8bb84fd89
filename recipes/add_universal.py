"""Put weights of `universal` into the zoo: in half precision, with a card of curves over SNR and ratio on Kodak.

python recipes/add_universal.py WEIGHTS NAME "TRAINING"

Kodak must be in $DEEPJSCC_DATA. Weights that are in the zoo already are replaced only by better ones.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import torch

from deepjscc.evaluation.sweep import Plan, sweep
from deepjscc.evaluation.table import summarise
from deepjscc.models import Universal
from deepjscc.models.checkpoint import file_hash, load_checkpoint, save_checkpoint
from deepjscc.zoo import cards

ZOO = Path(__file__).parents[1] / "src" / "deepjscc" / "zoo"
SNRS = (-5.0, 0.0, 1.0, 4.0, 5.0, 7.0, 10.0, 13.0, 15.0, 20.0)
RATIOS = {"1/96": 1 / 96, "1/48": 1 / 48, "1/24": 1 / 24, "1/16": 1 / 16, "1/12": 1 / 12, "1/8": 1 / 8, "1/4": 1 / 4}
REFERENCE = (1 / 8, (0.0, 10.0, 20.0))  # where weights are compared

CARD = """\
model = "universal"
sha256 = "{sha256}"
licence = "CC-BY-SA-4.0"
summary = "{parameters:.1f} M parameters: any image size, SNR, bandwidth ratio up to 1/2 and channel by one model"
data = "CID22 training part (Cloudinary, CC BY-SA 4.0): 186 photographs, 512x512"
training = {training}
bandwidth_ratio = "up to 1/2"
snr_db = "any"

[measured]
command = "deepjscc evaluate --system {name} --data kodak --bandwidth-ratio 1/8 --snr-db={listed} -o measured.parquet"
data_set = "Kodak, 24 images, AWGN, complex ratio, mean per-image PSNR on 8 bits; psnr at ratio 1/8, by_ratio at 10 dB"
snr = {snrs}
psnr = {psnr}
ratio = {ratios}
by_ratio = {by_ratio}
"""


def measure(system: str, ratio: float, snrs: tuple[float, ...], place: Path) -> list[float]:
    """Mean per-image PSNR on Kodak at each SNR."""
    plan = Plan((system,), "kodak", snrs, bandwidth_ratio=ratio)
    return [round(value, 2) for value in summarise(sweep(plan, place)).sort("snr_db")["psnr_db"]]


def main(weights: Path, name: str, training: str) -> None:
    """Measure, compare with what is there, write weights and card."""
    model = load_checkpoint(weights)
    assert isinstance(model, Universal)
    with tempfile.TemporaryDirectory() as folder:
        half, table = Path(folder) / "half.safetensors", Path(folder) / "t.parquet"
        save_checkpoint(model, half, torch.float16)
        if name in cards() and sum(measure(name, *REFERENCE, table)) >= sum(measure(str(half), *REFERENCE, table)):
            sys.exit(f"{name}: what the zoo holds is as good; left alone")
        psnr = measure(str(half), 1 / 8, SNRS, table)
        by_ratio = [measure(str(half), ratio, (10.0,), table)[0] for ratio in RATIOS.values()]
        shutil.copy(half, ZOO / "weights" / f"{name}.safetensors")
    card = CARD.format(
        name=name,
        sha256=file_hash(ZOO / "weights" / f"{name}.safetensors"),
        parameters=sum(weight.numel() for weight in model.parameters()) / 1e6,
        training=json.dumps(training),
        listed=",".join(f"{snr:g}" for snr in SNRS),
        snrs=[int(snr) for snr in SNRS],
        psnr=psnr,
        ratios=json.dumps(list(RATIOS)),
        by_ratio=by_ratio,
    )
    (ZOO / "cards" / f"{name}.toml").write_text(card)
    print(name, psnr, by_ratio)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])

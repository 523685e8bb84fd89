"""Put a code for photographs into the zoo: in 8 bits, with a card of curves over SNR and ratio on Kodak.

python recipes/add_photo_model.py WEIGHTS NAME SUMMARY TRAINING      (after "N M parameters: " and how it was trained)

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
from deepjscc.models import Adaptive, Linear
from deepjscc.models.adaptive import HIGHEST_SNR_DB, LOWEST_SNR_DB
from deepjscc.models.checkpoint import file_hash, load_checkpoint, save_checkpoint
from deepjscc.units import parse_ratio
from deepjscc.zoo import cards

ZOO = Path(__file__).parents[1] / "src" / "deepjscc" / "zoo"
SNRS = (-5.0, 0.0, 5.0, 10.0, 15.0, 20.0)
RATIOS = {"1/32": 1 / 32, "1/16": 1 / 16, "1/4": 1 / 4}
SNRS_COMPARED = (0.0, 10.0, 20.0)

CARD = """\
model = "{model}"
sha256 = "{sha256}"
licence = "CC-BY-SA-4.0"
summary = {summary}
data = "CID22 training part (Cloudinary, CC BY-SA 4.0): 186 photographs, 512x512"
training = {training}
bandwidth_ratio = "{ratios_made}"
snr_db = "{snr_db}"

[measured]
command = "deepjscc evaluate --system {name} --data kodak --bandwidth-ratio {reference} --snr-db={listed} -o t.parquet"
data_set = "Kodak, 24 images, AWGN, complex ratio, mean per-image PSNR, 8 bits; psnr at {reference}, by_ratio at 10 dB"
snr = {snrs}
psnr = {psnr}
ratio = {ratios}
by_ratio = {by_ratio}
"""


def measure(system: str, ratio: float, snrs: tuple[float, ...], place: Path) -> list[float]:
    """Mean per-image PSNR on Kodak at each SNR."""
    plan = Plan((system,), "kodak", snrs, bandwidth_ratio=ratio)
    return [round(value, 2) for value in summarise(sweep(plan, place)).sort("snr_db")["psnr_db"]]


def main(weights: Path, name: str, summary: str, training: str) -> None:
    """Measure, compare with what is there, write weights and card."""
    model = load_checkpoint(weights)
    free = isinstance(model, Linear)
    own = model.uses((512, 768)) / (3 * 512 * 768)
    reference = "1/8" if free else f"1/{round(1 / own)}"
    ratios = {text: ratio for text, ratio in RATIOS.items() if free or (isinstance(model, Adaptive) and ratio <= own)}
    with tempfile.TemporaryDirectory() as folder:
        stored, table = Path(folder) / "stored.safetensors", Path(folder) / "t.parquet"
        save_checkpoint(model, stored, torch.int8)
        at = parse_ratio(reference)
        if name in cards():
            theirs, ours = (measure(system, at, SNRS_COMPARED, table) for system in (name, str(stored)))
            if sum(theirs) >= sum(ours):
                sys.exit(f"{name}: what the zoo holds is as good; left alone")
        psnr = measure(str(stored), at, SNRS, table)
        by_ratio = [measure(str(stored), ratio, (10.0,), table)[0] for ratio in ratios.values()]
        shutil.copy(stored, ZOO / "weights" / f"{name}.safetensors")
    parameters = sum(weight.numel() for weight in model.parameters()) / 1e6
    card = CARD.format(
        model=model.kind,
        name=name,
        sha256=file_hash(ZOO / "weights" / f"{name}.safetensors"),
        summary=json.dumps(f"{parameters:.1f} M parameters: {summary}"),
        training=json.dumps(training),
        ratios_made="up to 1/2" if free else f"up to {reference}" if ratios else reference,
        snr_db="any" if free else "{:g} to {:g}".format(getattr(model, "lowest_snr_db", LOWEST_SNR_DB), HIGHEST_SNR_DB),
        reference=reference,
        listed=",".join(f"{snr:g}" for snr in SNRS),
        snrs=[int(snr) for snr in SNRS],
        psnr=psnr,
        ratios=json.dumps(list(ratios)),
        by_ratio=by_ratio,
    )
    (ZOO / "cards" / f"{name}.toml").write_text(card)
    print(name, psnr, by_ratio)


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4])

"""Put a diffusion stage into the zoo: in 8 bits, with a card of PSNR and LPIPS by sampling steps.

python recipes/add_stage.py WEIGHTS NAME LINK TRAINING            (LINK: the model it is measured behind)

Kodak must be in $DEEPJSCC_DATA. What the zoo holds under this name is replaced.
"""

import json
import sys
import tempfile
from pathlib import Path

import torch

from deepjscc.evaluation.sweep import Plan, sweep
from deepjscc.evaluation.table import summarise
from deepjscc.models.checkpoint import file_hash, load_stage, save_checkpoint
from deepjscc.zoo import cards

ZOO = Path(__file__).parents[1] / "src" / "deepjscc" / "zoo"
STEPS = (1, 5, 10)
IMAGES = 4
OPTIONS = "--bandwidth-ratio 1/8 --snr-db 0 --lpips"

CARD = """\
model = "diffusion"
sha256 = "{sha256}"
licence = "CC-BY-SA-4.0"
summary = "{parameters:.1f} M parameters: a stage that refines pictures of {links} at ratio 1/8"
data = "CID22 training part (Cloudinary, CC BY-SA 4.0): 186 photographs, 512x512"
training = {training}
bandwidth_ratio = "1/8"
snr_db = "-6 to 22"

[measured]
command = "deepjscc evaluate {systems} --data kodak --images {images} {options} -o t.parquet"
data_set = "Kodak, {images} images, AWGN at 0 dB, behind {link} (0 steps: {link} alone), means over images, 8 bits"
steps = {steps}
psnr = {psnr}
lpips = {lpips}
"""


def main(weights: Path, name: str, link: str, training: str) -> None:
    """Write weights, measure, write the card."""
    stage = load_stage(weights)
    stored = ZOO / "weights" / f"{name}.safetensors"
    save_checkpoint(stage, stored, torch.int8)
    systems = [link, *(f"{link}@{name}={steps}" for steps in STEPS)]
    card = CARD.format(
        sha256=file_hash(stored),
        parameters=sum(weight.numel() for weight in stage.parameters()) / 1e6,
        links=" and ".join(stage.refines),
        training=json.dumps(training),
        systems=" ".join(f"--system {system}" for system in systems),
        images=IMAGES,
        options=OPTIONS,
        link=link,
        steps=[0, *STEPS],
        psnr=[],
        lpips=[],
    )
    place = ZOO / "cards" / f"{name}.toml"
    place.write_text(card)
    cards.cache_clear()
    with tempfile.TemporaryDirectory() as folder:
        plan = Plan(tuple(systems), "kodak", (0.0,), bandwidth_ratio=1 / 8, images=IMAGES, lpips=True)
        means = summarise(sweep(plan, Path(folder) / "t.parquet"))
    found = {system: values for system, *values in means.select("system", "psnr_db", "lpips").iter_rows()}
    psnr, lpips = ([round(found[system][at], digits) for system in systems] for at, digits in ((0, 2), (1, 4)))
    place.write_text(card.replace("psnr = []", f"psnr = {psnr}").replace("lpips = []", f"lpips = {lpips}"))
    print(name, psnr, lpips)


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4])

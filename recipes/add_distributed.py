"""Put weights of a code for two cameras into the zoo, in 8 bits, with a card of curves on stereo test pairs.

python recipes/add_distributed.py WEIGHTS NAME "TRAINING"

The pairs must be in $DEEPJSCC_DATA/stereo.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import polars as pl
import torch

from deepjscc.evaluation.sweep import Plan, sweep
from deepjscc.models import DistributedLinear, PairJSCC
from deepjscc.models.checkpoint import file_hash, load_checkpoint, save_checkpoint

ZOO = Path(__file__).parents[1] / "src" / "deepjscc" / "zoo"
SNRS = (-2.0, 0.0, 5.0, 10.0, 12.0)
PHOTOS = "CID22 training part (Cloudinary, CC BY-SA 4.0): 186 photographs"
KITTI = (
    "127 stereo pairs of KITTI (Geiger et al. 2012, 2013; Menze, Geiger 2015; CC BY-NC-SA 3.0: non-commercial), scaled "
    "to 128 pixels high; from weights trained on " + PHOTOS
)

CARD = """\
model = "{model}"
sha256 = "{sha256}"
licence = "{licence}"
summary = "{summary}"
data = {data}
training = {training}
bandwidth_ratio = "20/384"
snr_db = "-3 to 14, or no noise"
cameras = {cameras}

[measured]
command = "deepjscc evaluate --system {name} --data stereo-test --snr-db={listed} -o measured.parquet"
data_set = {data_set}
snr = {snrs}
"""
DATA_SET = (
    "26 pairs of KITTI Stereo 2015, 128x256, AWGN at this SNR on both links: means of the per-image values of both "
    "views on 8 bits; MS-SSIM with window 7. The literature trains on 1,576 pairs and tests on 790 others: absolute "
    "numbers are not comparable with it, differences between systems measured here are"
)


def summary(model: PairJSCC, name: str) -> str:
    """What the model is, in a line."""
    if name.endswith("photos"):
        return "any single picture at ratio 0.052 by the encoder and decoder that the two-camera models start from"
    decoded = "two cameras, decoded together by cross attention" if model.joint else "two cameras, each decoded alone"
    if isinstance(model, DistributedLinear):
        decoded += ", around the linear code"
    return f"{decoded}, at ratio 0.052 each, {'tuned for MS-SSIM' if 'ssim' in name else 'for PSNR'}; non-commercial"


def measure(system: str, offset_db: float) -> pl.DataFrame:
    """Rows on the test pairs."""
    with tempfile.TemporaryDirectory() as folder:
        return sweep(Plan((system,), "stereo-test", SNRS, right_offset_db=offset_db), Path(folder) / "t.parquet")


def means(rows: pl.DataFrame, column: str, digits: int) -> list[float]:
    """Means at each SNR of the left link."""
    found = rows.group_by("snr_db").agg(pl.col(column).mean()).sort("snr_db")
    return [round(value, digits) for value in found[column]]


def main(weights: Path, name: str, training: str) -> None:
    """Measure, write weights and card."""
    model = load_checkpoint(weights)
    assert isinstance(model, PairJSCC)
    with tempfile.TemporaryDirectory() as folder:
        stored = Path(folder) / "stored.safetensors"
        save_checkpoint(model, stored, torch.int8)
        rows = measure(str(stored), 0.0)
        beside = measure(str(stored), float("inf")).filter(pl.col("view") == "left") if model.joint else None
        shutil.copy(stored, ZOO / "weights" / f"{name}.safetensors")
    photos = name.endswith("photos")
    card = CARD.format(
        model=model.kind,
        name=name,
        sha256=file_hash(ZOO / "weights" / f"{name}.safetensors"),
        licence="CC-BY-SA-4.0" if photos else "CC-BY-NC-SA-3.0 (KITTI: non-commercial); photographs CC-BY-SA-4.0",
        summary=summary(model, name),
        data=json.dumps(PHOTOS if photos else KITTI),
        training=json.dumps(training),
        cameras=2 if model.joint else 1,
        listed=",".join(f"{snr:g}" for snr in SNRS),
        data_set=json.dumps(DATA_SET),
        snrs=[int(snr) for snr in SNRS],
    )
    card += f"psnr = {means(rows, 'psnr_db', 2)}\n"
    if beside is not None:
        card += f"psnr_left_beside_noiseless = {means(beside, 'psnr_db', 2)}\n"
    card += f"ms_ssim = {means(rows, 'ms_ssim_window_7', 4)}\n"
    (ZOO / "cards" / f"{name}.toml").write_text(card)
    print(card)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])

"""Hybrid, digital and learned links over slow Rayleigh fading: `python benchmarks/slow_fading.py`, twenty minutes.

Every transmitter knows the average SNR, every receiver its gain. The hybrid plans for the distribution of the gain, the
digital link for the average, `universal-s` needs no plan. Each image is encoded once and sent over many gains, the same
for all systems.
"""

import argparse

import torch

from deepjscc.channels import Rayleigh
from deepjscc.data import open_data
from deepjscc.images import to_float
from deepjscc.metrics import psnr
from deepjscc.systems.names import make_system

SYSTEMS, RATIO = ("universal-s", "hevc+ldpc-fine+hybrid", "hevc+ldpc-fine"), 1 / 8


@torch.no_grad()
def main() -> None:
    """Print the mean PSNR of each system at each average SNR."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", default="5,13,15,23", help="Numbers of Kodak pictures.")
    parser.add_argument("--gains", type=int, default=40)
    parser.add_argument("--snr-db", default="10,20")
    options = parser.parse_args()
    kodak = open_data("kodak")
    for average in map(float, options.snr_db.split(",")):
        snr_db = torch.tensor([average])
        for name in SYSTEMS:
            system, values = make_system(name, Rayleigh("image"), bandwidth_ratio=RATIO).system, []
            for number in map(int, options.pictures.split(",")):
                image = to_float(kodak[number - 1])
                encoded = system.encode(image, snr_db)
                for gain in range(options.gains):
                    sent = system.deliver(encoded, image, snr_db, torch.Generator().manual_seed(gain))
                    values.append(psnr(image, sent.images).item())
            print(f"{average:g} dB, {name}: {sum(values) / len(values):.2f} dB", flush=True)


if __name__ == "__main__":
    main()

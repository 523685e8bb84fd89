"""PSNR and goodput against tries over slow Rayleigh fading: `python benchmarks/second_tries.py`, ten minutes.

The receiver asks for the same transmission again until a picture has arrived, of `universal-s` until its own
estimate is good enough. All tries are combined by their maximum ratio: of the digital link that is HARQ with Chase
combining. Each image is encoded once and sent over many gains, the same for all systems.
"""

import argparse

import torch

from deepjscc.channels import Rayleigh
from deepjscc.data import open_data
from deepjscc.images import to_float
from deepjscc.metrics import psnr
from deepjscc.seeds import generator
from deepjscc.systems.names import make_system
from deepjscc.systems.retransmission import FALLBACKS, RetransmittingLink

ENOUGH_DB = {"universal-s": 30.0, "hevc+ldpc-fine+hybrid": None, "hevc+ldpc-fine": None}


@torch.no_grad()
def main() -> None:
    """Print mean PSNR, share of good pictures, mean tries and goodput of each system for each number of tries."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", default="5,13,15,23", help="Numbers of Kodak pictures.")
    parser.add_argument("--gains", type=int, default=15)
    parser.add_argument("--tries", type=int, default=4)
    parser.add_argument("--snr-db", type=float, default=10.0)
    parser.add_argument("--ratio", type=float, default=1 / 8)
    options = parser.parse_args()
    kodak, snr_db = open_data("kodak"), torch.tensor([options.snr_db])
    for name, enough_db in ENOUGH_DB.items():
        link = make_system(name, Rayleigh("image"), bandwidth_ratio=options.ratio).system
        found: dict[int, list[tuple[float, bool, int, float]]] = {}
        for number in map(int, options.pictures.split(",")):
            image = to_float(kodak[number - 1])
            encoded = link.encode(image, snr_db)
            for seed in range(options.gains):
                gains = Rayleigh("image").draw_gain(options.tries, 1, generator("tries", seed))[:, 0]
                for tries in range(1, options.tries + 1):
                    sent = RetransmittingLink(link, tries, enough_db).deliver_by_tries(
                        encoded, image, snr_db, gains, seed
                    )
                    good = bool(sent.delivered) and not (sent.layers and sent.layers[0] in FALLBACKS)
                    row = (psnr(image, sent.images).item(), good, sent.tries[0], float(sent.bandwidth_ratio))
                    found.setdefault(tries, []).append(row)
        for tries, rows in found.items():
            quality, good, spent, ratio = (sum(column) / len(rows) for column in zip(*rows, strict=True))
            print(
                f"{name}, up to {tries}: {quality:.2f} dB, {good:.0%} good, {spent:.2f} tries, "
                f"goodput {good / ratio:.2f} values a use",
                flush=True,
            )


if __name__ == "__main__":
    main()

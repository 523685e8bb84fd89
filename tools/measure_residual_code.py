"""Measure the analog layer alone: PSNR of HEVC bases with the residual added, over the SNR after subtraction.

python tools/measure_residual_code.py [--data kodak] [--pictures 8] [--qp 32] [--ratio 0.125]
"""

import argparse
import math

import torch

from deepjscc.data import open_data
from deepjscc.digital.codecs import HEVC
from deepjscc.images import to_picture
from deepjscc.metrics import psnr
from deepjscc.symbols import channel_uses
from deepjscc.zoo import load_residual_code

SNRS_DB = (-15.0, -10.0, -5.0, 0.0, 5.0, 10.0, 15.0)


def main() -> None:
    """Print the mean over pictures of the measured PSNR and of the closed form, for every SNR."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="kodak")
    parser.add_argument("--pictures", type=int, default=8)
    parser.add_argument("--qp", type=int, default=32)
    parser.add_argument("--ratio", type=float, default=1 / 8)
    parser.add_argument("--code", default="hybrid-analog")
    arguments = parser.parse_args()
    code, codec, images = load_residual_code(arguments.code), HEVC(), open_data(arguments.data)
    images = images.spread(arguments.pictures)
    draws, results = torch.Generator().manual_seed(0), []
    for index in range(len(images)):
        image = images[index]
        level = (max(codec.levels) // codec.STEPS - arguments.qp) * codec.STEPS
        base = codec.decode(codec.compress(to_picture(image), level, "4:2:0"))
        residual = (image.float() - base.float()) / 255
        uses = channel_uses((image.shape[1], image.shape[2]), arguments.ratio)
        statistics = code.describe(residual, base)
        row = [_psnr(image, base.float() / 255), float(len(statistics.side_info))]
        for snr_db in SNRS_DB:
            noise = 10 ** (-snr_db / 10)
            sent = code.modulate(residual, base, statistics, uses, snr_db)
            added = torch.view_as_complex(torch.randn(uses, 2, generator=draws)) * math.sqrt(noise / 2)
            variance = torch.full((uses,), noise)
            got = code.estimate(sent.symbols + added, variance, base, statistics.side_info, sent.gain, snr_db)
            expected = code.expected_error(statistics, 2 * uses, 1 / noise)
            row += [_psnr(image, base.float() / 255 + got.residual), -10 * math.log10(expected)]
        results.append(row)
    mean = torch.tensor(results).mean(0).tolist()
    print(f"{len(images)} pictures, QP {arguments.qp}: base {mean[0]:.2f} dB, side information {mean[1]:.1f} bytes")
    for index, snr_db in enumerate(SNRS_DB):
        print(f"{snr_db:6.1f} dB: measured {mean[2 + 2 * index]:.2f} dB, closed form {mean[3 + 2 * index]:.2f} dB")


def _psnr(image: torch.Tensor, picture: torch.Tensor) -> float:
    return float(psnr(image[None].float() / 255, picture[None].clamp(0, 1))[0])


if __name__ == "__main__":
    with torch.no_grad():
        main()

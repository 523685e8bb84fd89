"""Measure the calibration of expected errors of a block code, for the card of its weights.

python tools/calibrate_error.py universal-s --data photos-val --data cid22-train --pictures 40

Every photograph is sent at several SNRs and ratios. Fitted are, by least squares of the error in dB with outliers
damped: the factors and terms by which networks change the closed form's expectation at the transmitter, then what the
receiver's estimate misses. Prints the table ``[expected_error]`` of a card, and what remains.
"""

import argparse
import math
import random
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.optimize import least_squares

from deepjscc.channels import AWGN
from deepjscc.data import open_data
from deepjscc.images import to_float
from deepjscc.models.block_code.calibration import DB, GROUPS, ErrorCalibration, Groups, estimate_terms, link_terms
from deepjscc.systems import Link
from deepjscc.zoo import load

SNRS_DB, RATIOS = (-4.0, 20.0), (1 / 80, 1 / 3)
SHRINKAGE = (0.15, 0.1, 1.0)  # of the logarithms of factors, of terms, and of what estimates miss, towards 0
DAMPED_DB = 0.5  # errors beyond count less


@dataclass
class Seen:
    """What one end sees of the closed form's error of one image."""

    sent: Groups
    silent: Groups
    snr_db: float
    ratio: float
    weight: float = 1.0


class Recorder(ErrorCalibration):
    """A calibration that changes nothing and keeps what it is asked."""

    def mse(self, sent: Groups, silent: Groups, snr_db: float, ratio: float, weight: float = 1.0) -> float:
        """See the base class."""
        seen.append(Seen(sent, silent, snr_db, ratio, weight))
        return float((sent + silent).sum())

    def corrected(self, estimated_mse: float, snr_db: float, ratio: float, gain: float, weight: float = 1.0) -> float:
        """See the base class."""
        asked.append((estimated_mse, snr_db, ratio, gain, weight))
        return estimated_mse


seen: list[Seen] = []
asked: list[tuple[float, float, float, float, float]] = []


def main() -> None:
    """Measure, fit, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--data", action="append", required=True)
    parser.add_argument("--pictures", type=int, default=40, help="of each data set")
    parser.add_argument("--links", type=int, default=8, help="SNRs and ratios for each picture")
    parser.add_argument("--snrs-db", type=float, nargs=2, default=SNRS_DB, help="lowest and highest SNR")
    parser.add_argument("--ratios", type=float, nargs=2, default=RATIOS, help="lowest and highest bandwidth ratio")
    arguments = parser.parse_args()
    model = load(arguments.model)
    model.calibration = Recorder()
    networks = model.networks is not None
    at_transmitter: list[Seen] = []
    measured: list[float] = []
    drawn = random.Random(0)
    for name in arguments.data:
        images = open_data(name).spread(arguments.pictures)
        for index in range(len(images)):
            image = to_float(images[index])
            for _ in range(arguments.links):
                snr_db = drawn.uniform(*arguments.snrs_db)
                ratio = math.exp(drawn.uniform(*map(math.log, arguments.ratios)))
                link, snr = Link(model, AWGN(), bandwidth_ratio=ratio), torch.tensor([snr_db])
                seen.clear()
                with torch.no_grad():
                    model.expect_error(image, link.plan(tuple(image.shape[-2:]), snr))(ratio)
                    sent = link.transmit(image, snr, generator=torch.Generator().manual_seed(index))
                at_transmitter += seen
                measured.append(float((sent.images - image).square().mean()))
        print(f"{name}: {len(images)} pictures", flush=True)
    calibration = _fit_networks(at_transmitter, measured) if networks else ErrorCalibration()
    terms = np.array([one[4] * np.array(estimate_terms(*one[:4])) for one in asked])
    missed = DB * np.log(np.array(measured) / np.array([one[0] for one in asked]))

    def residuals(numbers: np.ndarray) -> np.ndarray:
        return np.concatenate([terms @ numbers - missed, SHRINKAGE[2] * numbers])

    numbers = least_squares(residuals, np.zeros(terms.shape[1]), loss="soft_l1", f_scale=DAMPED_DB).x
    _report("receiver", terms @ numbers - missed)
    calibration = replace(calibration, estimate=numbers.tolist())
    print("[expected_error]")
    for key, values in vars(calibration).items():
        print(f"{key} = [{', '.join(f'{value:.4g}' for value in values)}]")


def _fit_networks(points: list[Seen], measured: list[float]) -> ErrorCalibration:
    """Factors of the closed form's errors by group, and terms of the link."""
    errors = np.array([np.concatenate([one.sent.numpy(), one.silent.numpy()]) for one in points], dtype=float)
    closed = errors.sum(1)
    terms = np.array([link_terms(mse, one.snr_db, one.ratio) for mse, one in zip(closed, points, strict=True)])
    weights = np.array([one.weight for one in points])
    wanted = DB * np.log(np.array(measured) / closed)

    def residuals(numbers: np.ndarray) -> np.ndarray:
        factors, slopes = numbers[: 2 * GROUPS], numbers[2 * GROUPS :]
        change = weights * (DB * np.log(errors @ np.exp(factors) / closed) + terms @ slopes)
        return np.concatenate([change - wanted, SHRINKAGE[0] * (factors + 0.4), SHRINKAGE[1] * slopes])

    start = np.concatenate([np.full(2 * GROUPS, -0.4), np.zeros(terms.shape[1])])
    found = least_squares(residuals, start, loss="soft_l1", f_scale=DAMPED_DB).x
    _report("transmitter", residuals(found)[: len(points)])
    factors = np.exp(found[: 2 * GROUPS])
    return ErrorCalibration(factors[:GROUPS].tolist(), factors[GROUPS:].tolist(), found[2 * GROUPS :].tolist())


def _report(end: str, missed_db: np.ndarray) -> None:
    mean, share = abs(missed_db).mean(), (abs(missed_db) <= 0.3).mean()
    print(f"{end}: {len(missed_db)} transmissions, mean absolute error {mean:.3f} dB, {share:.0%} within 0.3 dB")


if __name__ == "__main__":
    main()

"""What a sweep spends its time on: `python benchmarks/sweep.py [--data NAME] [--images N]`.

The share of the metrics, aim under 10% beside `universal-s`; and what is saved by encoding once at ten SNRs.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from deepjscc.evaluation import unit
from deepjscc.evaluation.plan import Plan
from deepjscc.models import Cnn

SNRS_DB = tuple(float(snr) for snr in range(-5, 23, 3))


@dataclass
class Stopwatch:
    """Seconds spent in a function."""

    function: Callable[..., Any]
    seconds: float = 0.0

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        start = time.perf_counter()
        result = self.function(*arguments, **options)
        self.seconds += time.perf_counter() - start
        return result


def seconds_of(plan: Plan) -> float:
    """Of all units of a plan, without opening data and weights."""
    prepared = unit.Prepared(plan)
    start = time.perf_counter()
    for one in prepared.units():
        for _ in prepared.measure(one):
            pass
    return time.perf_counter() - start


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="samples")
    parser.add_argument("--images", type=int, default=4)
    options = parser.parse_args()
    for name in ("linear", "universal-s", "jpeg2000+ideal"):
        watch = Stopwatch(unit.measure_quality)
        unit.measure_quality = watch
        total = seconds_of(Plan((name,), options.data, SNRS_DB, bandwidth_ratio=1 / 8, images=options.images))
        unit.measure_quality = watch.function
        each = total / len(SNRS_DB) / options.images
        print(f"{name}: {each * 1e3:.0f} ms a picture, metrics {watch.seconds / total:.1%}")
    plan = Plan(("cnn-c16-awgn-10db",), options.data, SNRS_DB, images=options.images)
    once = seconds_of(plan)
    Cnn.encoder_uses_snr = True
    again = seconds_of(plan)
    Cnn.encoder_uses_snr = False
    print(f"cnn at {len(SNRS_DB)} SNRs: encoding once {once:.2f} s, at every SNR {again:.2f} s ({again / once:.2f}x)")


if __name__ == "__main__":
    main()

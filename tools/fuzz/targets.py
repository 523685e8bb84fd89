"""What the fuzzers share: mutations, kinds of input, and the loop that feeds mutated inputs to what reads them.

An input must be read, or be refused in one line (:class:`deepjscc.errors.DeepJSCCError`), in bounded time; any other
exception ends the run, and the input that caused it is kept in ``out/fuzz``.
"""

import argparse
import json
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from deepjscc.errors import DeepJSCCError

KEPT = Path("out/fuzz")
SLOW_S = 30.0


@dataclass
class Target:
    """A kind of input: whole ones to begin with, and what reads one."""

    name: str
    seeds: list[bytes]
    read: Callable[[bytes], object]
    counts: dict[str, int] = field(default_factory=lambda: {"read": 0, "refused": 0})
    slowest_s: float = 0.0


def mutate(data: bytes, draws: np.random.Generator) -> bytes:
    """Change, cut, repeat, insert or exchange some bytes."""
    changed = bytearray(data)
    for _ in range(draws.integers(1, 6)):
        place = int(draws.integers(0, max(1, len(changed))))
        kind = draws.integers(0, 6)
        if kind <= 1 and changed:
            changed[place % len(changed)] = int(draws.integers(256))
        elif kind == 2:
            changed[place : place + 4] = int(draws.choice([0, 1, 2**31 - 1, 2**32 - 1])).to_bytes(4, "big")
        elif kind == 3:
            del changed[place : place + int(draws.integers(1, 64))]
        elif kind == 4:
            changed[place:place] = changed[place : place + int(draws.integers(1, 64))] * int(draws.integers(1, 40))
        else:
            changed[place:place] = draws.bytes(int(draws.integers(1, 16)))
    return bytes(changed)


def run(targets: Iterable[Target], count: int, seed: int) -> int:
    """Fuzz every target; the exit code."""
    torch.set_num_threads(1)
    for number, target in enumerate(targets):
        draws = np.random.default_rng([seed, number])
        for _ in range(count):
            content = mutate(target.seeds[int(draws.integers(len(target.seeds)))], draws)
            clock = time.perf_counter()
            try:
                target.read(content)
                target.counts["read"] += 1
            except DeepJSCCError:
                target.counts["refused"] += 1
            except BaseException as error:
                KEPT.mkdir(parents=True, exist_ok=True)
                (KEPT / f"{target.name.replace(' ', '-')}.bin").write_bytes(content)
                traceback.print_exc()
                print(f"{target.name}: {type(error).__name__}: {error}; the input is in {KEPT}", file=sys.stderr)
                return 1
            target.slowest_s = max(target.slowest_s, time.perf_counter() - clock)
        line = {"kind": target.name, "inputs": count, **target.counts, "slowest_s": round(target.slowest_s, 3)}
        print(json.dumps(line), flush=True)
        if target.slowest_s > SLOW_S:
            print(f"{target.name}: an input took more than {SLOW_S:g} s", file=sys.stderr)
            return 1
    return 0


def arguments(text: str) -> argparse.Namespace:
    """The options ``--count``, ``--seed`` and ``--only``.

    Args:
        text: docstring of the script.
    """
    parser = argparse.ArgumentParser(description=text.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000, help="Inputs of each kind.")
    parser.add_argument("--seed", type=int, default=0, help="Of the mutations.")
    parser.add_argument("--only", default="", help="Take the kinds alone whose name contains this.")
    return parser.parse_args()

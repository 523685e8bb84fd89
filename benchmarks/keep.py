"""The times of a run without their raw data, to be kept: `python benchmarks/keep.py out/benchmark.json KEPT.json`."""

import json
import sys
from pathlib import Path


def main() -> None:
    """Read, cut down, write."""
    source, kept = map(Path, sys.argv[1:])
    run = json.loads(source.read_text())
    machine = run["machine_info"]
    rows = [
        {
            "benchmark": one["name"],
            "median_s": one["stats"]["median"],
            "least_s": one["stats"]["min"],
            "rounds": one["stats"]["rounds"],
            **one["extra_info"],
        }
        for one in run["benchmarks"]
    ]
    facts = {
        "processor": machine["cpu"].get("brand_raw"),
        "threads": machine["threads"],
        "torch": machine["torch"],
        "ceilings": machine["ceilings"],
        "date": run["datetime"][:10],
    }
    kept.write_text(json.dumps({"machine": facts, "benchmarks": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()

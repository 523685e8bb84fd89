"""The times of a run without their raw data, to be kept: `python benchmarks/keep.py out/benchmark-raw.json KEPT.json`.

Beside each time whose operations were counted stands the share of the convolution ceiling that the run measured.
"""

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
    for row in rows:
        if "gflop" in row:
            ceiling = machine["ceilings"][row["device"]][f"convolution_{row['precision']}"]
            row["share_of_ceiling"] = 1e9 * row["gflop"] / row["median_s"] / ceiling
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

"""Pages made at build time from what the package knows: zoo cards, a paper's results, the command line's help.

A page holds a line such as ``<!-- generated: cards -->``; what stands here takes its place.
"""

import json
import re
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
MARK = re.compile(r"^<!-- generated: (\w+) ?(.*) -->$", re.MULTILINE)
WITH_BASES = ("channels", "models", "digital/codecs")

AXES = (
    ("snr", "SNR, dB", ("psnr", "ms_ssim")),
    ("ratio", "bandwidth ratio", ("by_ratio",)),
    ("steps", "sampling steps", ("psnr",)),
)


def fill_in(app: Any, page: str, source: list[str]) -> None:
    """Sphinx's `source-read`: put the generated text in its places."""
    source[0] = MARK.sub(lambda match: MAKERS[match[1]](*match[2].split()), source[0])


def cards() -> str:
    """One table of the zoo, then a section a card."""
    from deepjscc.zoo import cards

    rows, sections = [], []
    for card in sorted(cards().values(), key=_order):
        size = card.weights.stat().st_size / 1e6
        link = f"[`{card.name}`](#{card.name})"
        rows.append([link, card.summary, card.bandwidth_ratio, card.snr_db, f"{size:.1f} MB"])
        sections += [f"## {card.name}", "", card.summary[0].upper() + card.summary[1:] + ".", ""]
        facts = [
            ["model", f"`{card.model}`"],
            ["bandwidth ratio", card.bandwidth_ratio],
            ["trained for", f"{card.snr_db} dB" if card.snr_db[-1].isdigit() else card.snr_db],
            ["data", card.data],
            ["training", _command_as_code(card.training)],
            ["licence of the weights", card.licence],
            ["SHA-256", f"`{card.sha256[:12]}…`"],
        ]
        sections += [_table(["", ""], facts), "", _measured(card.measured), ""]
    heads = ["name", "what it is", "bandwidth ratio", "SNR in training, dB", "file"]
    return "\n".join([_table(heads, rows), "", *sections])


def _order(card: Any) -> list[Any]:
    """Models that take any size first; numbers in names by their value."""
    parts = [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", card.name)]
    return [card.model == "cnn", *parts]


def _measured(measured: dict[str, Any]) -> str:
    """The curves of a card, over the SNR and, where it has them, over the bandwidth ratio; then the command."""
    parts = [f"Measured on {measured['data_set']}:", ""]
    for axis, label, starts in AXES:
        if axis in measured:
            keys = [key for key in measured if key.startswith(starts)]
            rows = [[_quality(key), *(f"{value:.{_digits(key)}f}" for value in measured[key])] for key in keys]
            parts += [_table([label, *map(str, measured[axis])], rows), ""]
    return "\n".join([*parts, "```", measured["command"], "```"])


def _quality(key: str) -> str:
    """``psnr_pooled_after_1`` in words."""
    if key.startswith("ms_ssim"):
        return "MS-SSIM, window 7"
    if key.endswith("beside_noiseless"):
        return "PSNR of the left view, the right link without noise, dB"
    _, _, stage = key.partition("_after_")
    return "PSNR" + (" pooled" if "pooled" in key else "") + (f" after stage {stage}" if stage else "") + ", dB"


def _digits(key: str) -> int:
    return 4 if key.startswith("ms_ssim") else 2


def _command_as_code(text: str) -> str:
    """A recipe's name, or a command, as code."""
    return re.sub(r"(recipes/\S+\.toml(?: --\w+ [\d.]+)?|deepjscc \w+ [^;]+?)(?=[:;,]| with|$)", r"`\1`", text)


def results(name: str) -> str:
    """The claims of a paper from ``results/NAME.json``, as ``deepjscc papers NAME --json`` printed it."""
    report = json.loads((HERE / "results" / f"{name}.json").read_text())
    rows = [
        [claim["claim"], claim["paper"], claim["ours"].replace("+-", "±"), f"**{claim['verdict']}**"]
        for claim in report["claims"]
    ]
    return _table(["claim", "the paper says", "measured here", "verdict"], rows)


BENCHMARKS = {
    "sizes": ("test_sizes", "test_pair", "test_diffusion"),
    "half": ("test_half_precision",),
    "area": ("test_growth_with_area",),
    "batch": ("test_growth_with_batch",),
    "digital": ("test_digital_link",),
    "parts": ("test_metric", "test_picture_files", "test_start_up"),
    "training": ("test_training_step",),
}


def benchmarks(group: str) -> str:
    """A table of ``results/benchmarks.json``, which ``make benchmark`` made: one group, or the machine's limits."""
    run = json.loads((HERE / "results" / "benchmarks.json").read_text())
    if group == "machine":
        limits = run["machine"]["ceilings"]["cpu"]
        rows = [[name.replace("_", " "), f"{value / 1e9:.0f} G/s"] for name, value in limits.items()]
        facts = f"{run['machine']['processor']}, {run['machine']['threads']} threads, PyTorch {run['machine']['torch']}"
        return f"Measured on {facts}, {run['machine']['date']}.\n\n" + _table(["limit", "per second"], rows)
    rows = []
    for row in run["benchmarks"]:
        if not row["benchmark"].startswith(BENCHMARKS[group]):
            continue
        size = f"{row['width']}x{row['height']}" if "width" in row else ""
        batch = f" x {row['batch']}" if row.get("batch", 1) > 1 else ""
        what = f"`{row['model']}`" if "model" in row else re.sub(r"^test_\w+\[(.*)\]$", r"`\1`", row["benchmark"])
        share, memory, rate = (row.get(key) for key in ("share_of_ceiling", "peak_mebibytes", "images_per_s"))
        rows.append(
            [
                what,
                f"{size}{batch}" or row.get("precision", ""),
                row.get("precision", ""),
                _seconds(row["median_s"]),
                "" if rate is None else f"{rate:.3g}",
                "" if "gflop" not in row else f"{row['gflop']:.3g}",
                "" if share is None else f"{share:.0%}",
                "" if memory is None else f"{memory:.0f}",
            ]
        )
    heads = ["what", "size", "precision", "median", "images/s", "GFLOP", "of the ceiling", "peak MiB"]
    kept = [index for index in range(len(heads)) if any(row[index] for row in rows)]
    return _table([heads[index] for index in kept], [[row[index] for index in kept] for row in rows])


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value >= 1 else f"{1e3 * value:.3g} ms"


def commands() -> str:
    """Every command with its options, from the command line's own help."""
    from deepjscc.cli import COMMANDS, command

    parts = []
    for name in COMMANDS:
        text = command(name).generate_docs(output_format="markdown", heading_level=2)
        parts.append(text.replace(f"```console\n{name}", f"```console\ndeepjscc {name}"))
    return "\n\n".join(parts)


def modules(*rooms: str) -> str:
    """The reference of every module in these rooms, from the docstrings."""
    import deepjscc

    package, parts = Path(deepjscc.__file__).parent, []
    for room in rooms:
        for file in sorted((package / room).glob("*.py")) or [package / f"{room}.py"]:
            if file.name == "__init__.py" and "import" not in file.read_text():
                continue
            name = ".".join(file.relative_to(package).with_suffix("").parts).removesuffix(".__init__")
            options = [":members:", ":ignore-module-all:", *[":show-inheritance:"] * (room in WITH_BASES)]
            block = [f".. automodule:: deepjscc.{name}", *(f"   {option}" for option in options)]
            parts.append("\n".join([f"## {name}", "", "```{eval-rst}", *block, "```"]))
    return "\n\n".join(parts)


def _table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines)


MAKERS = {"cards": cards, "results": results, "commands": commands, "modules": modules, "benchmarks": benchmarks}

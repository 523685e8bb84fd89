"""How long the page takes to answer a slider: `python benchmarks/page.py [--json]`, with Playwright and Chromium.

From the slider's event in the browser until the learned picture that it asked for is decoded and about to be painted,
for a 768x512 photograph. Aim: under 1 s on two cores. `settled`: each move after everything has been shown; `busy`:
each move while the digital picture of the move before is still being made.
"""

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from deepjscc.data.samples import sample_path
from deepjscc.images import open_rgb

CHROMIUM = "/usr/bin/chromium"
MODELS = ("linear", "universal-s")
SIZE = (768, 512)
MOVES = 10
WAIT_MS = 90_000
WATCH = """() => {
    const state = (window.moves = {at: null, learned: null, digital: null});
    const slider = document.querySelector("#snr input[type=range]");
    slider.addEventListener("input", () => Object.assign(state, {at: performance.now(), learned: null, digital: null}));
    for (const [name, id] of [["learned", "first-system"], ["digital", "digital-link"]]) {
        const place = document.querySelector("#" + id);
        let shown = place.querySelector("img")?.src;
        new MutationObserver(async () => {
            const image = place.querySelector("img");
            if (!image || image.src === shown || state.at === null) return;
            shown = image.src;
            const asked = state.at;
            await image.decode();
            if (state.at === asked) state[name] = performance.now() - asked;
        }).observe(place, {subtree: true, childList: true, attributes: true, attributeFilter: ["src"]});
    }
}"""


@contextmanager
def served() -> Iterator[str]:
    """The address of a server of our own."""
    command = [sys.executable, "-m", "deepjscc", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ) as run:
        assert run.stdout is not None
        found = re.search(r"http://localhost:\d+", run.stdout.readline())
        assert found
        try:
            yield found.group()
        finally:
            run.terminate()


def prepare(page: Page, model: str, photo: Path) -> None:
    """The photograph uploaded, the model chosen, and everything shown."""
    expect(page.locator("#digital-numbers")).to_contain_text("jpeg2000", timeout=WAIT_MS)
    page.locator("input[type=file]").first.set_input_files(photo)
    expect(page.locator("#note")).to_contain_text(f"{SIZE[0]}x{SIZE[1]}", timeout=WAIT_MS)
    page.get_by_role("button", name="Channel, first system, digital link").click()
    page.get_by_label("First system", exact=True).fill(model)
    page.get_by_role("option", name=model, exact=True).click()
    page.get_by_label("Digital channel code").fill("ideal code")
    page.get_by_role("option", name="ideal code at capacity (a bound)").click()
    expect(page.locator("#learned-numbers")).to_contain_text(f"{model} at", timeout=WAIT_MS)
    expect(page.locator("#digital-numbers")).to_contain_text("jpeg2000+ideal at", timeout=WAIT_MS)
    page.wait_for_timeout(2000)
    page.evaluate(WATCH)


def moved(page: Page, until: str) -> tuple[float, float | None]:
    """Seconds till the learned and (if waited for) the digital picture are shown, after one step of the slider.

    Always upwards: pictures that were shown before lie in the browser's cache.
    """
    page.locator("#snr input[type=range]").press("ArrowRight")
    arrived = f"() => window.moves.learned !== null && window.moves.{until} !== null"
    page.wait_for_function(arrived, polling=10, timeout=WAIT_MS)
    state = page.evaluate("window.moves")
    return state["learned"] / 1000, None if state["digital"] is None else state["digital"] / 1000


def measure() -> dict[str, float]:
    """Median and worst of some moves for each model."""
    figures: dict[str, float] = {}
    with served() as address, sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "photo.png"
        open_rgb(sample_path("coffee")).resize(SIZE, Image.Resampling.LANCZOS).save(photo)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for model in MODELS:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.set_default_timeout(WAIT_MS)
            page.goto(address)
            prepare(page, model, photo)
            settled = [moved(page, "digital") for _ in range(MOVES)]
            busy = [moved(page, "learned")[0] for _ in range(MOVES)]
            named = {
                "settled": [learned for learned, _ in settled],
                "busy": busy,
                "settled_digital": [digital for _, digital in settled if digital is not None],
            }
            for name, values in named.items():
                figures[f"{model}_{name}_median_s"] = statistics.median(values)
                figures[f"{model}_{name}_worst_s"] = max(values)
            page.close()
        browser.close()
    return figures


def main() -> None:
    """Print every figure."""
    figures = measure()
    if "--json" in sys.argv:
        print(json.dumps(figures, indent=2))
    else:
        for name, value in figures.items():
            print(f"{name:36} {value:.3f}")


if __name__ == "__main__":
    main()

"""Peak memory and time of `deepjscc send` on 100 megapixels: `python benchmarks/memory.py [MODEL]`.

Aim: under 1.5 GiB, and under 3 minutes on two cores, by the system that `send` takes where none is named.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from deepjscc.data.samples import sample_path

WIDTH, HEIGHT = 11_600, 8_700


def main() -> None:
    """Make the picture, send it in a process of its own, print its peak."""
    model = sys.argv[1:2]
    with tempfile.TemporaryDirectory() as folder:
        tile = Image.open(sample_path("coffee")).convert("RGB")
        large = Image.new("RGB", (WIDTH, HEIGHT))
        for top in range(0, HEIGHT, tile.height):
            for left in range(0, WIDTH, tile.width):
                large.paste(tile, (left, top))
        source, output = Path(folder) / "large.png", Path(folder) / "received.png"
        large.save(source, compress_level=1)
        command = [sys.executable, "-m", "deepjscc", "send", str(source), "-o", str(output)]
        start = time.perf_counter()
        subprocess.run([*command, *(["--model", *model] if model else []), "--bandwidth-ratio", "1/8"], check=True)
        seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    name, megapixels = model[0] if model else "the default", WIDTH * HEIGHT / 1e6
    print(f"{name}, {megapixels:.0f} megapixels: {seconds:.0f} s, peak memory {peak:.2f} GiB")


if __name__ == "__main__":
    main()

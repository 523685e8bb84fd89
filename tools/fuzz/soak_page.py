"""Many clients on one page for some minutes, bombs, broken uploads, foreign paths and early disconnects among them.

    python tools/fuzz/soak_page.py --clients 10 --seconds 60

It prints, every ten seconds, requests answered, the page's memory in MB and the slowest answer to a good client;
it fails if a well-behaved client gets an error, or memory grows by more than a quarter after the first minute.
"""

import argparse
import io
import json
import os
import random
import re
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field

import httpx
from PIL import Image

from deepjscc.data.samples import sample_path

GROWTH = 1.25


@dataclass
class Tally:
    """What the clients have seen so far."""

    answers: int = 0
    hostile: int = 0
    slowest_s: float = 0.0
    failures: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def bomb() -> bytes:
    """A small file of 39 megapixels."""
    buffer = io.BytesIO()
    Image.new("1", (6500, 6000)).save(buffer, "PNG")
    return buffer.getvalue()


def memory_mb(process: int) -> float:
    """Resident memory of a process."""
    with open(f"/proc/{process}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def client(address: str, seed: int, end: float, photo: bytes, large: bytes, tally: Tally) -> None:
    """One client: mostly uploads of a photograph, and now and then something hostile."""
    draws = random.Random(seed)
    with httpx.Client(base_url=address, timeout=120, trust_env=False, verify=False) as http:
        while time.monotonic() < end:
            kind = draws.choice(["photo"] * 5 + ["bomb", "broken", "path", "disconnect", "host"])
            clock = time.monotonic()
            try:
                failure = _act(http, kind, photo, large, draws)
            except httpx.HTTPError as error:
                failure = None if kind == "disconnect" else f"{kind}: {error!r}"
            with tally.lock:
                tally.answers += kind == "photo"
                tally.hostile += kind != "photo"
                if kind == "photo":
                    tally.slowest_s = max(tally.slowest_s, time.monotonic() - clock)
                if failure:
                    tally.failures.append(failure)


def _act(http: httpx.Client, kind: str, photo: bytes, large: bytes, draws: random.Random) -> str | None:
    """Do one thing; what went otherwise than it must."""
    if kind == "path":
        path = draws.choice(["/etc/passwd", "/dev/zero", str(sample_path("coffee"))])
        answer = http.post("/gradio_api/run/load_upload", json={"data": [_file(path)]})
        return None if answer.status_code in (403, 503) else f"path: {answer.status_code}"
    if kind == "host":
        answer = http.get("/config", headers={"host": "evil.example"})
        return None if answer.status_code == 421 else f"host: {answer.status_code}"
    if kind == "disconnect":
        http.post("/gradio_api/upload", files={"files": ("a.png", bytes(8 << 20))}, timeout=0.01)
        return None
    content = {"photo": photo, "bomb": large, "broken": photo[: len(photo) // 2]}[kind]
    path = http.post("/gradio_api/upload", files={"files": (f"{kind}.png", content)}).json()[0]
    answer = http.post("/gradio_api/call/load_upload", json={"data": [_file(path)]})
    if answer.status_code == 503:  # the queue is full, which is said at once
        return None
    text = http.get(f"/gradio_api/call/load_upload/{answer.json()['event_id']}").text
    expected = {"photo": "photo.png: 600x400", "bomb": "bomb.png", "broken": "broken"}[kind]
    return None if expected in text else f"{kind}: {text[:200]}"


def _file(path: str) -> dict[str, object]:
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


def soak(clients: int, seconds: float) -> int:
    """Run it; the exit code."""
    photo, large, tally = sample_path("coffee").read_bytes(), bomb(), Tally()
    command = [sys.executable, "-m", "deepjscc", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            found = re.search(r"http://\S+", server.stdout.readline())
            assert found
            httpx.get(f"{found.group()}/config", timeout=300, trust_env=False).raise_for_status()
            begin = time.monotonic()
            arguments = (found.group(), begin + seconds, photo, large, tally)
            address, end, *rest = arguments
            threads = [threading.Thread(target=client, args=(address, seed, end, *rest)) for seed in range(clients)]
            for thread in threads:
                thread.start()
            after_a_minute = highest = 0.0
            while any(thread.is_alive() for thread in threads):
                time.sleep(10)
                passed, memory = time.monotonic() - begin, memory_mb(server.pid)
                if passed <= 60 or not after_a_minute:
                    after_a_minute = max(after_a_minute, memory)
                highest = max(highest, memory)
                line = {"seconds": round(passed), "answers": tally.answers, "hostile": tally.hostile}
                print(
                    json.dumps(line | {"memory_mb": round(memory), "slowest_s": round(tally.slowest_s, 1)}), flush=True
                )
        finally:
            server.kill()
    for failure in tally.failures[:10]:
        print(failure, file=sys.stderr)
    grown = highest > GROWTH * after_a_minute
    if grown:
        print(f"memory grew from {after_a_minute:.0f} to {highest:.0f} MB", file=sys.stderr)
    return int(bool(tally.failures) or grown)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--clients", type=int, default=50, help="Number of clients.")
    parser.add_argument("--seconds", type=float, default=300, help="How long they go on.")
    options = parser.parse_args()
    sys.exit(soak(options.clients, options.seconds))

"""Clients of a running page, which talk to it as a browser or a program would."""

import json
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx


@dataclass(frozen=True)
class RunningPage:
    """The page at an address, its upload folder, and how to call it."""

    address: str
    folder: Path

    def client(self, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=self.address, timeout=60, trust_env=False, verify=False, **options)

    def upload(self, name: str, content: bytes) -> str:
        """The path under which the page keeps an uploaded file."""
        with self.client() as client:
            answer = client.post("/gradio_api/upload", files={"files": (name, content)})
        assert answer.status_code == 200, answer.text
        (path,) = answer.json()
        return str(path)

    def call(self, way: str, name: str, data: list[Any]) -> tuple[int, str]:
        """Call a function by ``run``, ``api``, ``call`` or ``queue``; the status and all that came back, as text."""
        with self.client() as client:
            if way in ("run", "api"):
                answer = client.post(f"/gradio_api/{way}/{name}", json={"data": data})
                return answer.status_code, answer.text
            if way == "call":
                answer = client.post(f"/gradio_api/call/{name}", json={"data": data})
                if answer.status_code != 200:
                    return answer.status_code, answer.text
                return 200, client.get(f"/gradio_api/call/{name}/{answer.json()['event_id']}").text
            session = uuid.uuid4().hex
            numbers = {each["api_name"]: each["id"] for each in client.get("/config").json()["dependencies"]}
            body = {"data": data, "fn_index": numbers[name], "session_hash": session}
            answer = client.post("/gradio_api/queue/join", json=body)
            if answer.status_code != 200:
                return answer.status_code, answer.text
            with client.stream("GET", f"/gradio_api/queue/data?session_hash={session}") as stream:
                lines = []
                for line in stream.iter_lines():
                    lines.append(line)
                    if line.startswith("data:") and json.loads(line[5:])["msg"] == "process_completed":
                        break
            return 200, "\n".join(lines)

"""Checks in front of Gradio: request bodies have a limited size and may name only uploaded files."""

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deepjscc.web.upload_folder import NOT_UPLOADED, is_uploaded, make_room, names_other_files

API = "/gradio_api"
UPLOAD = f"{API}/upload"
FILE = f"{API}/file="
DIRECT = (f"{API}/run/", f"{API}/api/")  # these pass by Gradio's queue
JSON_BYTES = 2**20
JSON_SECONDS = 30.0
DIRECT_CALLS = 4


class RequestLimits:
    """ASGI middleware that limits request bodies and refuses paths of files that were not uploaded.

    Gradio checks paths too, but only under conditions of its own, and it opens files before a handler runs.

    Args:
        app: the application behind.
        folder: folder of the uploads.
        upload_bytes: largest body of one upload request.
    """

    def __init__(self, app: ASGIApp, folder: str | Path, upload_bytes: int) -> None:
        self.app, self.folder, self.upload_bytes = app, folder, upload_bytes
        self._direct_calls = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass it on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path: str = scope["path"]
        if path.startswith(FILE) and not is_uploaded(path.removeprefix(FILE), self.folder):
            await _refuse(403, NOT_UPLOADED, scope, receive, send)
        elif scope["method"] != "POST":
            await self.app(scope, receive, send)
        elif path.rstrip("/") == UPLOAD:
            await self._pass_upload(scope, receive, send)
        elif path.startswith(DIRECT):
            await self._pass_direct_call(scope, receive, send)
        else:
            await self._pass_json(scope, receive, send)

    async def _pass_upload(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on an upload whose body ends early, as of a client that left, once it exceeds the limit."""
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if not declared.isdigit() or int(declared) > self.upload_bytes:
            await _refuse(413, f"at most {self.upload_bytes >> 20} MB go into one upload", scope, receive, send)
            return
        if not await asyncio.to_thread(make_room, self.folder):
            await _refuse(503, "no room for uploads at the moment; try again later", scope, receive, send)
            return
        taken = 0

        async def bounded() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            return {"type": "http.disconnect"} if taken > self.upload_bytes else message

        with suppress(ClientDisconnect):  # who leaves in the middle of an upload is no error of the page
            await self.app(scope, bounded, send)

    async def _pass_direct_call(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._direct_calls >= DIRECT_CALLS:
            await _refuse(503, "too many calls at once; join the queue instead", scope, receive, send)
            return
        self._direct_calls += 1
        try:
            await self._pass_json(scope, receive, send)
        finally:
            self._direct_calls -= 1

    async def _pass_json(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a body that was read, checked and written anew, so that nobody parses it differently."""
        try:
            body = await asyncio.wait_for(_read(receive, JSON_BYTES), JSON_SECONDS)
        except TimeoutError:
            await _refuse(408, "the request took too long to arrive", scope, receive, send)
            return
        if body is None:
            await _refuse(413, f"a request is at most {JSON_BYTES >> 20} MB", scope, receive, send)
            return
        try:
            value: Any = json.loads(body) if body else None
            checked = json.dumps(value).encode() if body else b""
            other = names_other_files(value, self.folder)
        except (ValueError, RecursionError):
            await _refuse(400, "the request is not JSON", scope, receive, send)
            return
        if other:
            await _refuse(403, NOT_UPLOADED, scope, receive, send)
            return
        headers = [
            (name, text) for name, text in scope["headers"] if name not in (b"content-length", b"transfer-encoding")
        ]
        headers.append((b"content-length", str(len(checked)).encode()))
        given = False

        async def replay() -> Message:
            nonlocal given
            if given:
                return await receive()  # only the disconnect is left
            given = True
            return {"type": "http.request", "body": checked, "more_body": False}

        await self.app({**scope, "headers": headers}, replay, send)


async def _read(receive: Receive, limit: int) -> bytes | None:
    """The whole body; None if it is larger than ``limit`` or the client left."""
    parts, taken = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        taken += len(parts[-1])
        if taken > limit:
            return None
        if not message.get("more_body", False):
            return b"".join(parts)


async def _refuse(status: int, why: str, scope: Scope, receive: Receive, send: Send) -> None:
    await JSONResponse({"error": why, "detail": why}, status)(scope, receive, send)

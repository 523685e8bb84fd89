"""Checks on requests: the host names the page answers to, the origins it trusts, its addresses, and its headers."""

import ipaddress
import socket
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
HEADERS = {
    # A browser fetches the page's own files only; Gradio would ask a CDN for a script and fonts.
    "Content-Security-Policy": (
        "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
        "style-src 'self' 'unsafe-inline'; connect-src 'self'; base-uri 'self'; form-action 'self'; "
        "object-src 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
READ = (
    *("/", "/config", "/theme.css", "/favicon.ico", "/robots.txt", "/manifest.json"),
    *("/assets/", "/static/", "/svelte/", "/pwa_icon"),
    *("/gradio_api/info", "/gradio_api/app_id", "/gradio_api/startup-events", "/gradio_api/heartbeat/"),
    *("/gradio_api/queue/data", "/gradio_api/queue/status", "/gradio_api/upload_progress", "/gradio_api/call/"),
    "/gradio_api/file=",
)
WRITE = (
    *("/gradio_api/queue/join", "/gradio_api/upload", "/gradio_api/cancel", "/gradio_api/reset"),
    *("/gradio_api/run/", "/gradio_api/api/", "/gradio_api/call/"),
)


class Origins:
    """ASGI middleware that refuses foreign Host and Origin headers and addresses the page does not need.

    A web site that lets its own name point to this machine (DNS rebinding) sends that name as Host; one that calls the
    page from a visitor's browser sends its own Origin. Among the addresses of Gradio that are not needed are a proxy,
    its API documents (``openapi.json``) and its monitoring.

    Args:
        app: the application behind.
        names: host names besides those of the loopback interface.
        addresses: accept any IP address as Host too, as of a page that is open to the network.
    """

    def __init__(self, app: ASGIApp, names: Collection[str] = (), addresses: bool = False) -> None:
        self.app, self.addresses = app, addresses
        self.names = LOOPBACK | {name.lower().strip("[]") for name in names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass it on."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        if scope["type"] != "http":  # the page uses no web sockets
            await send({"type": "websocket.close", "code": 1008})
            return
        refusal = self._refusal(scope)
        if refusal is None:
            await self.app(scope, receive, send_with_headers)
        else:
            status, why = refusal
            await JSONResponse({"error": why, "detail": why}, status)(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """A status and a reason, or None for a request that may pass."""
        hosts, origins = ([v.decode("latin-1") for k, v in scope["headers"] if k == n] for n in (b"host", b"origin"))
        host = _name_and_port(f"//{hosts[0]}") if len(hosts) == 1 else None
        if host is None or not self._is_own(host[0]):
            return 421, "this page does not answer to that host name; see deepjscc serve --host"
        if origins:
            origin = _name_and_port(origins[0]) if len(origins) == 1 else None
            if origin is None or not self._is_own(origin[0]) or origin[1] != host[1]:
                return 403, "this page answers to no other origin"
        known = READ if scope["method"] in ("GET", "HEAD") else WRITE if scope["method"] == "POST" else ()
        if not _is_known(scope["path"], known):
            return 404, "there is no such address"
        return None

    def _is_own(self, name: str) -> bool:
        return name in self.names or (self.addresses and _is_address(name))


def names_of_this_machine() -> frozenset[str]:
    """The host names by which other machines are likely to address this one."""
    name = socket.gethostname().lower()
    return frozenset({name, f"{name}.local"})


def _is_known(path: str, known: Collection[str]) -> bool:
    """Tell whether a path is one of ``known``, or begins with one that ends in ``/`` or ``=``."""
    if path == "/":
        return "/" in known
    return any(
        path.rstrip("/") == each or (len(each) > 1 and each[-1] in "/=" and path.startswith(each)) for each in known
    )


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _name_and_port(url: str) -> tuple[str, int | None] | None:
    """Host name and port of a URL of a host only; the standard port of a scheme counts as none."""
    try:
        parts = urlsplit(url)
        name, port = parts.hostname, parts.port
    except ValueError:
        return None
    if not name or parts.path or parts.query or parts.fragment or parts.username is not None:
        return None
    if parts.scheme not in ("", "http", "https"):
        return None
    return name.lower().rstrip("."), None if port in (80, 443) else port

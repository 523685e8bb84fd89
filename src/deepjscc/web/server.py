"""The page behind a port: nothing is fetched from elsewhere, nothing is open to the network unless asked for."""

import os
import socket
from collections.abc import Awaitable, Callable
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from deepjscc.errors import DeepJSCCError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

POLICY = (
    "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; connect-src 'self'; frame-ancestors 'none'"
)
"""What a browser may fetch for the page: its own files only (Gradio would ask a CDN for a script and fonts)."""


def serve_page(port: int, public: bool) -> None:
    """Serve until interrupted.

    Args:
        port: TCP port; 0 takes a free one.
        public: listen on every address instead of this machine's own.

    Raises:
        DeepJSCCError: the port is taken, or gradio is not installed.
    """
    with _open_door("0.0.0.0" if public else "127.0.0.1", port) as door:
        try:
            import uvicorn

            with TemporaryDirectory(prefix="deepjscc-page-", ignore_cleanup_errors=True) as folder:
                app = build_app(folder)
                host, port = door.getsockname()
                print(f"http://{'localhost' if host == '127.0.0.1' else host}:{port}  (Ctrl-C ends it)", flush=True)
                uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[door])
        except ModuleNotFoundError as error:
            raise DeepJSCCError(f"the page needs {error.name}: pip install 'deepjscc[demo]'") from None


def build_app(folder: str) -> "ASGIApp":
    """The page with its checks, ready for a server.

    Args:
        folder: an empty folder of our own, in which uploads and results are kept. Gradio's default would be shared
            with other users and other pages of this machine.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_TEMP_DIR"] = os.path.realpath(folder)
    import gradio as gr
    from fastapi import FastAPI, Request, Response

    from deepjscc.web.page import build_page
    from deepjscc.web.request_limits import RequestLimits
    from deepjscc.web.uploads import UPLOAD_BYTES

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.middleware("http")
    async def confined(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await answer(request)
        response.headers["Content-Security-Policy"] = POLICY
        return response

    fonts = ("system-ui", "sans-serif")
    theme = gr.themes.Default(font=fonts, font_mono=("ui-monospace", "monospace"))
    page = build_page()
    gr.mount_gradio_app(app, page, path="/", theme=theme, max_file_size=UPLOAD_BYTES, ssr_mode=False, footer_links=[])
    page.has_launched = True  # without it Gradio does not check the paths that a request names
    return RequestLimits(app, folder, 2 * UPLOAD_BYTES + 2**16)  # a pair of pictures and its multipart headers


def _open_door(host: str, port: int) -> socket.socket:
    door = socket.socket()
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind((host, port))
        door.listen()  # a browser that comes before the page is ready waits instead of being refused
    except (OSError, OverflowError) as error:
        why = error.strerror if isinstance(error, OSError) else "ports go up to 65535"
        raise DeepJSCCError(f"port {port}: {why}; take another with --port") from None
    return door

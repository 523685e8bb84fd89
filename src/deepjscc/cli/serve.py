"""`deepjscc serve`: a page to see it."""

from typing import Annotated

from cyclopts import Parameter


def serve(
    *,
    port: Annotated[int, Parameter(help="TCP port; 0 takes a free one.")] = 7860,
    public: Annotated[bool, Parameter(negative="", help="Let other machines in.")] = False,
) -> None:
    """Serve a page in the browser: a picture over a channel, sliders, learned beside digital."""
    from deepjscc.web.server import serve_page

    serve_page(port, public)

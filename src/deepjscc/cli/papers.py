"""`deepjscc papers`: a paper's figures and claims against our own numbers."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from deepjscc.cli.common import Json, notes, print_json, print_table, progress
from deepjscc.errors import UsageError


def papers(
    paper: str | None = None,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"], help="Folder for figures and tables.")] = Path(
        "out/papers"
    ),
    images: Annotated[
        int | None,
        Parameter(
            help="Number of test images, evenly spread. If it is not given, as many as take about five minutes on two "
            "idle cores; the documents say how many theirs took."
        ),
    ] = None,
    repeats: Annotated[int, Parameter(help="Number of draws of the fading gains for each image.")] = 3,
    train: Annotated[bool, Parameter(negative="", help="Train the models that the zoo does not have.")] = False,
    minutes: Annotated[float, Parameter(help="Minutes of each such training.")] = 2.0,
    json: Json = False,
) -> None:
    """Make a paper's figures and check its claims.

    A claim is undecided where what was measured lies within two standard errors of the limit. Finished measurements
    are kept in the folder of the output, so that a command that was ended goes on where it was.

    Args:
        paper: Name of the paper. If it is not given, the names are listed.
    """
    if (images is not None and images < 1) or repeats < 1 or not minutes > 0:
        raise UsageError("--images and --repeats must be at least 1, --minutes more than 0")

    from deepjscc.papers import PAPERS, Settings

    if paper is None:
        print_json(list(PAPERS)) if json else print("\n".join(PAPERS))
        return
    if paper not in PAPERS:
        raise UsageError(f"unknown paper {paper!r}; there are {', '.join(PAPERS)}")
    with notes(), progress() as on_progress:
        chosen = PAPERS[paper]
        report = chosen.run(Settings(output / paper, images or chosen.images, repeats, train, minutes, on_progress))
    if json:
        print_json(asdict(report))
        return
    rows = [[claim.claim, claim.paper, claim.ours, claim.verdict.value] for claim in report.claims]
    print_table(["claim", "the paper", "ours", "verdict"], rows)
    print("\n".join(report.figures))

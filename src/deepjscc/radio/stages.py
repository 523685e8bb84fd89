"""Joins recordings of single stages: the stages received without a gap are used, the others are reported."""

from dataclasses import dataclass
from pathlib import Path

import torch

from deepjscc.errors import DeepJSCCError
from deepjscc.radio.iq_file import Frame
from deepjscc.types import Received


@dataclass(frozen=True)
class Recording:
    """A recording as it was read."""

    path: Path
    frame: Frame
    received: Received


def put_together(recordings: list[Recording], stages: int) -> tuple[Received, list[Recording], list[str]]:
    """Join the stages of one image, in order and without a gap.

    Args:
        recordings: single stages in any order; the first recording of a first stage selects the image.
        stages: number of stages of the model.

    Returns:
        The symbols of all usable stages, their recordings, and a line for each recording that was left out.

    Raises:
        DeepJSCCError: the first stage is missing.
    """
    first = next((one for one in recordings if one.frame.stage == 1), None)
    if first is None:
        names = ", ".join(f"{one.path} (stage {one.frame.stage})" for one in recordings)
        raise DeepJSCCError(f"{names}: stage 1 is missing, and without it there is no picture")
    usable, notes = {1: first}, []
    for one in recordings:
        stage = one.frame.stage or 0
        if one is first:
            continue
        if (one.frame.transmission, one.frame.size) != (first.frame.transmission, first.frame.size):
            notes.append(f"{one.path}: stage {stage} of another image than {first.path}; left out")
        elif stage > stages:
            notes.append(f"{one.path}: stage {stage}, but {one.frame.model} has {stages}; left out")
        elif stage in usable:
            notes.append(f"{one.path}: stage {stage} is there already, in {usable[stage].path}; left out")
        else:
            usable[stage] = one
    missing = next(stage for stage in range(1, stages + 2) if stage not in usable)
    for stage in sorted(stage for stage in usable if stage > missing):
        notes.append(f"{usable[stage].path}: stage {stage} is of no use while stage {missing} is missing; left out")
    chain = [usable[stage] for stage in range(1, missing)]
    return _joined([one.received for one in chain]), chain, notes


def _joined(parts: list[Received]) -> Received:
    """Concatenate the symbols; they are equalised already, so that the gain is no longer needed."""
    return Received(
        torch.cat([part.symbols for part in parts], 1),
        torch.cat([part.noise_variance for part in parts], 1),
        None,
        parts[0].snr_db,
        ((),),
    )

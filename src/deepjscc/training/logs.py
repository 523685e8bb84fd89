"""The logs of a run: a CSV for machines, TensorBoard events for people."""

import csv
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from lightning.fabric.loggers import TensorBoardLogger


@dataclass(frozen=True)
class Progress:
    """The progress of a run.

    Attributes:
        step: steps done.
        epoch: of the step, from 1.
        share: of the schedule, 1 at the end.
        loss: mean over the steps since the last word.
        validation_psnr_db: of the averaged weights, mean of the per-image values; None where none was measured.
        images_per_s: over all processes.
        seconds_left: at this pace.
    """

    step: int
    epoch: int
    share: float
    loss: float
    validation_psnr_db: float | None
    images_per_s: float
    seconds_left: float

    def describe(self) -> str:
        """Describe the progress in one line."""
        quality = "" if self.validation_psnr_db is None else f", validation {self.validation_psnr_db:.2f} dB"
        pace = f"{self.images_per_s:.0f} images/s, {self.seconds_left / 60:.0f} min left"
        return f"epoch {self.epoch} ({100 * self.share:.0f}%): loss {self.loss:.6f}{quality}, {pace}"


class Logs:
    """Appends to ``log.csv``, and to one file of TensorBoard events for each start of a run, in the run's folder."""

    def __init__(self, folder: Path) -> None:
        self.csv = folder / "log.csv"
        self.board = TensorBoardLogger(root_dir=folder, name="", version="")

    def write(self, progress: Progress) -> None:
        """Write one line to the CSV and one point to TensorBoard."""
        fresh = not self.csv.exists()
        with self.csv.open("a", newline="") as file:
            writer = csv.DictWriter(file, [field.name for field in fields(Progress)])
            if fresh:
                writer.writeheader()
            writer.writerow(asdict(progress))
        values = {name: value for name, value in asdict(progress).items() if value is not None and name != "step"}
        self.board.log_metrics(values, progress.step)
        self.board.experiment.flush()  # closing it would begin another file with the next point

    def close(self) -> None:
        """Close the events file."""
        self.board.finalize("success")

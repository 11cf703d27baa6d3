"""What training measured: a JSON line a step, the same for TensorBoard, and means for the progress bar."""

import json
import os
from collections import deque
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from tensorboardX import SummaryWriter

from samviz.errors import CheckpointError

METRICS, TENSORBOARD = "metrics.jsonl", "tensorboard"
TENSORBOARD_STEPS = 10  # TensorBoard gets the mean of as many steps


class StepReport(NamedTuple):
    """What one training step measured, means over the batch."""

    step: int  # steps done, this one included
    loss_bits: float  # cross-entropy in bits per sequence
    wrong: float  # wrong bits (or classes) per sequence
    error: float  # their share of all that were asked for
    level: int | None = None  # under a curriculum: the items of the episodes
    horizon: int | None = None  # and how many they can have

    def as_dict(self) -> dict[str, Any]:
        """What was measured, for JSON."""
        return {name: value for name, value in self._asdict().items() if value is not None}


class RecentMeans:
    """Means over the latest 100 steps, for the progress bar."""

    def __init__(self) -> None:
        self._reports: deque[StepReport] = deque(maxlen=100)

    def add(self, report: StepReport) -> None:
        """Take one more step into account."""
        self._reports.append(report)

    def __str__(self) -> str:
        if not self._reports:
            return ""  # stopped before the first step
        mean = {
            name: fmean(getattr(r, name) for r in self._reports) for name in ("loss_bits", "wrong", "error")
        }
        horizon = self._reports[-1].horizon
        level = "" if horizon is None else f", up to {horizon:,} items"
        return f"{mean['loss_bits']:.3f} bits, {mean['wrong']:.3f} wrong ({mean['error']:.1%}){level}"


class Metrics:
    """The metrics of a run's folder. What was measured after its checkpoint is forgotten first.

    Args:
        run: the folder.
        step: the steps that the run has done.

    Raises:
        CheckpointError: the disk refused.
    """

    def __init__(self, run: Path, step: int) -> None:
        self.run = run
        self._held: list[StepReport] = []
        _forget_after(run / METRICS, step)
        self._board = SummaryWriter(str(run / TENSORBOARD), purge_step=step + 1)

    def add(self, report: StepReport) -> None:
        """Hold one more step until `commit`."""
        self._held.append(report)

    def commit(self) -> None:
        """Write what is held."""
        try:
            with (self.run / METRICS).open("a") as lines:
                lines.writelines(json.dumps(report.as_dict()) + "\n" for report in self._held)
                lines.flush()
                os.fsync(lines.fileno())
            for start in range(0, len(self._held), TENSORBOARD_STEPS):
                self._show(self._held[start : start + TENSORBOARD_STEPS])
            self._board.flush()
        except OSError as error:
            raise CheckpointError(f"{self.run / METRICS}: could not be written: {error.strerror}") from None
        self._held.clear()

    def close(self) -> None:
        """Let go of the files."""
        self._board.close()

    def _show(self, reports: list[StepReport]) -> None:
        rows = [report.as_dict() for report in reports]
        for name in rows[0].keys() - {"step"}:
            self._board.add_scalar(name, fmean(row[name] for row in rows), rows[-1]["step"])


def read_metrics(run: Path) -> list[dict[str, Any]]:
    """What the steps of a run measured, in order; nothing where the run has none.

    Raises:
        CheckpointError: a line that is no JSON object.
    """
    path = run / METRICS
    if not path.is_file():
        return []
    rows = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        try:
            rows.append(dict(json.loads(line)))
        except (ValueError, TypeError):
            raise CheckpointError(f"{path}:{number}: expected a JSON object, found {line[:40]!r}") from None
    return rows


def _forget_after(path: Path, step: int) -> None:
    """Cut off the metrics of the steps after the checkpoint: they will be trained again.

    The file is replaced as a whole, so that a kill meanwhile loses none of the lines before.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file():
            kept = path.read_text().splitlines()[:step]
            draft = path.with_suffix(".part")
            draft.write_text("".join(line + "\n" for line in kept))
            draft.replace(path)
    except OSError as error:
        raise CheckpointError(f"{path}: could not be written: {error.strerror}") from None

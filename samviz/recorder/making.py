"""From a plan to a file that takes steps."""

from dataclasses import dataclass
from pathlib import Path

import h5py

from samviz.recorder.buffer import Arrays, BlockBuffer
from samviz.recorder.check import create_check
from samviz.recorder.file import COMMIT_STEPS, TraceFile
from samviz.recorder.layout import check_settings, create_datasets, write_header
from samviz.recorder.plan import Plan


@dataclass(frozen=True, kw_only=True)
class Making:
    """What a file is made with, besides its plan; as in Recorder."""

    meta: bytes
    start: Arrays
    weights: bytes | None
    checks: bool
    chunk_steps: int
    access_threshold: float
    last_write_erases: bool
    overwrite: bool
    fsync_s: float
    size_limit: int | None

    def check(self, plan: Plan) -> None:
        """Raises ConfigError where no trace can hold what is planned."""
        check_settings(plan.dimensions, self.chunk_steps, self.access_threshold, plan.datasets)

    def make(self, path: Path, plan: Plan) -> tuple[BlockBuffer, TraceFile]:
        """The buffer and the file. Raises ConfigError as `check` does, TraceError where it cannot be made."""
        self.check(plan)

        def build(file: h5py.File) -> dict[str, h5py.Dataset]:
            write_header(
                file,
                plan.dimensions,
                chunk_steps=self.chunk_steps,
                access_threshold=self.access_threshold,
                last_write_erases=self.last_write_erases,
                meta=self.meta,
            )
            if self.checks:
                create_check(file, plan.word_size)
            return create_datasets(
                file, plan.datasets, plan.dimensions, self.chunk_steps, self.weights, self.start
            )

        buffer = BlockBuffer(plan.shapes, self.chunk_steps, COMMIT_STEPS)
        file = TraceFile(
            path,
            build,
            overwrite=self.overwrite,
            fsync_s=self.fsync_s,
            size_limit=self.size_limit,
            first_bytes=len(self.weights or b"") + sum(array.nbytes for array in self.start.values()),
        )
        return buffer, file

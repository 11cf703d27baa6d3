"""Where figures were measured: the header of every table, and what is held still while measuring."""

import ctypes
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from samviz.bench.sizes import bytes_name
from samviz.versions import library_versions

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of glibc's mallopt
NEVER = -1


class Machine(NamedTuple):
    """What a figure depends on besides its code."""

    date: str
    processor: str
    cores: int
    memory: str
    system: str
    threads: int
    clock: str
    pages: str
    versions: dict[str, str]

    def lines(self) -> list[str]:
        """The header, as text."""
        named = ", ".join(f"{name} {number}" for name, number in self.versions.items())
        return [
            f"{self.date}, {self.processor}, {self.cores} cores, {self.memory} memory, {self.system}",
            named,
            f"{self._threads()}, {self._clock()} time, medians, {self.pages} pages",
        ]

    def summary(self) -> str:
        """The header in one short line."""
        named = ", ".join(f"{name} {self.versions.get(name, '')}" for name in ("samviz", "torch"))
        return f"{self.date}, {self.processor}, {self._threads()}, {self._clock()} time, {named}"

    def _clock(self) -> str:
        return {"cpu": "CPU"}.get(self.clock, self.clock)

    def _threads(self) -> str:
        return f"{self.threads} thread" if self.threads == 1 else f"{self.threads} threads"


def this_machine(threads: int, clock: str, pages: str) -> Machine:
    """The machine that this process runs on."""
    return Machine(
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        processor=_processor(),
        cores=os.cpu_count() or 1,
        memory=bytes_name(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")),
        system=f"{platform.system()} {platform.release()}",
        threads=threads,
        clock=clock,
        pages=pages,
        versions={"Python": platform.python_version()} | library_versions() | _optional_versions(),
    )


def pin_threads(threads: int) -> None:
    """Give torch, numba and faiss that many threads each."""
    import faiss
    import numba
    import torch

    torch.set_num_threads(threads)
    numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))  # type: ignore[attr-defined]
    faiss.omp_set_num_threads(threads)


def keep_freed_pages() -> bool:
    """Let freed memory stay with the process, so that no repeat pays for fresh pages; whether that worked.

    Dense models allocate whole memories at every step. Where fresh pages are dear, as in many virtual
    machines, timing them would be timing the machine.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):  # no glibc
        return False
    return bool(mallopt(M_MMAP_MAX, 0) and mallopt(M_TRIM_THRESHOLD, NEVER))


def available_bytes() -> int:
    """Memory that could be allocated now."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _optional_versions() -> dict[str, str]:
    found = {}
    for library in ("faiss-cpu", "dnc"):
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found

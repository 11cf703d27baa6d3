"""Record onto a disk that is too small, and look at what is left.

    python -m tests.benchmarks.full_disk

For every size a small file system (tmpfs, where this user may mount one; else a limit on the size of files)
takes what `samviz record`, `samviz train --record-every` and a program with a Recorder write. Expected:
`record` ends with one line and exit code 2; training and the program go on to their end with exit code 0 and
one warning; nobody dies of a signal; the trace, where there is one, is sound and holds the steps that are
said to be safe.
"""

import argparse
import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from samviz.verify import verify

REFUSED = "cannot be created"
SIZES_KIB = (64, 200, 400, 700, 1000, 1500, 2500, 4000)
SAMVIZ = [sys.executable, "-m", "samviz.cli"]
COMMANDS = {
    "samviz record": [*SAMVIZ, "record", "--task", "recall", "--episodes", "200", "--out", "{trace}"],
    "samviz train": [
        *(*SAMVIZ, "train", "--task", "copy", "--max-items", "20", "--steps", "12", "--batch", "2"),
        *("--record-every", "1", "--slots", "64", "--out", "{run}", "--trace", "{trace}"),
    ],
    "a program": [sys.executable, "-m", "tests.recorder.writer", "{trace}", "--stop"],
}
RANDOM = {"/usage/read", "/usage/write"}
EXPECTED = {"samviz record": 2, "samviz train": 0, "a program": 0}


@contextmanager
def small_disk(folder: Path, kib: int) -> Iterator[bool]:
    """Whether the folder is a file system of that size now."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", str(folder)], check=True)


def run(name: str, trace: Path, limit: int | None, scratch: Path) -> subprocess.CompletedProcess[str]:
    """Run it, under a limit on the size of files if there is one."""

    def confine() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    places = {"run": scratch / f"run-{trace.parent.name}", "trace": trace}
    command = [word.format(**places) for word in COMMANDS[name]]
    return subprocess.run(
        command, preexec_fn=confine, capture_output=True, text=True, check=False, timeout=300
    )


def judge(name: str, trace: Path, done: subprocess.CompletedProcess[str]) -> tuple[bool, str]:
    """Whether all went as expected, and what there is."""
    if done.returncode < 0:
        return False, f"killed by signal {-done.returncode}"
    said = [
        line
        for line in done.stderr.splitlines()
        if "recording stopped" in line or "cannot be created" in line
    ]
    if not trace.exists():
        told = done.returncode == 2 and len(said) == 1
        return told and not list(
            trace.parent.iterdir()
        ), f"refused before it began, exit code {done.returncode}"
    if not said:
        return done.returncode == 0 and verify(trace).sound, "there was room for all of it, sound"
    safe = re.search(r"its first ([\d,]+) steps are safe", said[0])
    report = verify(trace, equations=name != "a program")
    # the program's numbers are random, and so are the steps at which it says that slots were used
    failed = {check.name for check in report.checks if check.outcome == "failed"}
    sound = failed <= (RANDOM if name == "a program" else set())
    state = next(check.detail for check in report.checks if check.name == "structure")
    fits = (
        done.returncode == EXPECTED[name]
        and len(said) == 1
        and safe is not None
        and f"{safe[1]} steps, stopped early" in state
        and sound
        and [path.name for path in trace.parent.iterdir()] == [trace.name]
    )
    return fits, f"{state}, {'sound' if sound else 'NOT SOUND'}, exit code {done.returncode}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kib", type=int, nargs="*", default=SIZES_KIB)
    bad = 0
    sizes = parser.parse_args().kib
    with tempfile.TemporaryDirectory(prefix="samviz-disk-") as name:
        scratch = Path(name)
        for kib in sizes:
            for who in COMMANDS:
                folder = scratch / f"{kib}-{len(who)}"
                folder.mkdir()
                with small_disk(folder, kib) as mounted:
                    done = run(who, folder / "run.h5", None if mounted else 1024 * kib, scratch)
                    fits, found = judge(who, folder / "run.h5", done)
                disk = "tmpfs" if mounted else "limit"
                print(
                    f"{'as expected' if fits else 'NOT EXPECTED':<13} {disk} {kib:>5} KiB  {who:<14} {found}"
                )
                if not fits:
                    bad += 1
                    print(done.stderr, file=sys.stderr)
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())

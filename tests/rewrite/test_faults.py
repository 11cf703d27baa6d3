"""Kill, Ctrl-C and a full disk, in a process of their own: the trace is as it was."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from samviz.rewrite import copying, repack
from tests.rewrite.builders import contents, files_in, make_trace

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def big_trace(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Some 3 MB of trace."""
    path = tmp_path_factory.mktemp("big") / "run.h5"
    return make_trace(path, [5000], word_size=16, weights=b"w" * 99).read_bytes()


@pytest.fixture
def path(tmp_path: Path, big_trace: bytes) -> Path:
    (tmp_path / "run.h5").write_bytes(big_trace)
    return tmp_path / "run.h5"


def start(*arguments: object, blocks: int = 0, limit: int = 0) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.rewrite.worker", str(blocks), str(limit), *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def count_blocks(path: Path) -> int:
    """How often a copy of it tells of its progress."""
    told = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copying, "READ_BYTES", 2**17)
        repack(path, path.with_name("count.h5"), report=lambda *done: told.append(done))
    path.with_name("count.h5").unlink()
    return len(told)


@pytest.mark.parametrize("part", [0.02, 0.3, 0.52, 1.0])
def test_killed_while_it_packs_in_place(path, part):
    before = path.read_bytes()
    expected = contents(path)
    worker = start("repack", path, blocks=max(1, int(part * count_blocks(path))))
    assert worker.stdout.readline() == "here\n"
    worker.kill()
    worker.communicate()
    assert path.read_bytes() == before
    assert set(files_in(path.parent)) - {"run.h5.lock"} == {"run.h5", "run.h5.part"}
    repack(path)
    assert contents(path) == expected
    assert set(files_in(path.parent)) == {"run.h5"}


@pytest.mark.parametrize(
    ("part", "number"),
    [(0.02, signal.SIGINT), (0.3, signal.SIGTERM), (0.52, signal.SIGINT), (1.0, signal.SIGINT)],
)
def test_stopped_while_it_packs_in_place(path, part, number):
    before = files_in(path.parent)
    worker = start("repack", path, blocks=max(1, int(part * count_blocks(path))))
    assert worker.stdout.readline() == "here\n"
    worker.send_signal(number)
    _, said = worker.communicate("go on\n")
    assert (worker.returncode, said.strip()) == (130, "samviz: stopped")
    assert files_in(path.parent) == before


@pytest.mark.parametrize(
    ("command", "limit"),
    [
        *(("repack", limit) for limit in (1000, 2**20 + 100_000, 2**20 + 400_000, 2**21 + 100_000)),
        ("slice", 2**21),
        ("merge", 1000),
    ],
)
def test_no_room_is_one_line_and_no_crash(path, command, limit):
    """HDF5 dies with signal 11 where it cannot close a file, hence the look at the room before each block."""
    before = files_in(path.parent)
    new = path.with_name("new.h5")
    arguments = {"repack": [path], "slice": [path, new, "--steps", "1:"], "merge": [new, path, path]}[command]
    worker = start(command, *arguments, limit=limit)
    out, said = worker.communicate()
    assert (worker.returncode, out) == (2, "")
    assert len(said.splitlines()) == 1
    assert "cannot be written: expected room for" in said
    assert files_in(path.parent) == before


def test_a_limit_that_is_high_enough(path):
    worker = start("repack", path, limit=2**23)
    out, said = worker.communicate()
    assert (worker.returncode, said) == (0, "")
    assert out.startswith(f"packed {path}: 5,000 steps, ")

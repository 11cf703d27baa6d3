"""A sound trace passes every check that applies; one wrong number fails the check that it belongs to."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import h5py
import numpy as np
import pytest

from samviz import session
from samviz.errors import ConfigError, TraceError
from samviz.verify import Check, Report, child, verify
from samviz.verify.child import Limits, verify_apart
from tests.builders import fresh_checkpoint, make_dimensions, random_events, write_trace

SIZES = {"slots": 14, "word_size": 8, "heads": 2, "reads": 3}
MODELS = {
    "sam": SIZES,
    "sdnc": SIZES | {"links": 3},
    "dam": {"slots": 6, "word_size": 5, "heads": 2},
    "ntm": {"slots": 6, "word_size": 5, "heads": 2},
    "dnc": {"slots": 6, "word_size": 5, "heads": 2},
}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Three episodes of a model with large weights, in which slots are taken again and again."""

    @cache
    def record(kind: str) -> Path:
        folder = tmp_path_factory.mktemp(kind)
        checkpoint = fresh_checkpoint(folder / "run", kind, scale=4.0, **MODELS[kind])
        task = checkpoint.task(min_items=9, max_items=9)
        session.record(checkpoint, task, checkpoint.model(), folder / f"{kind}.h5", episodes=3, seed=1)
        return folder / f"{kind}.h5"

    return record


@pytest.fixture
def spoilt(recorded: Callable[[str], Path], tmp_path: Path) -> Callable[[str], Path]:
    """A copy to spoil."""
    return lambda kind: Path(shutil.copy(recorded(kind), tmp_path))


def outcomes(report: Report) -> dict[str, str]:
    return {check.name: check.outcome for check in report.checks}


@pytest.mark.parametrize("kind", MODELS)
def test_a_sound_trace_is_sound(recorded: Callable[[str], Path], kind: str) -> None:
    report = verify(recorded(kind))
    assert report.sound, "\n".join(report.lines())
    found = outcomes(report)
    always = (
        "structure",
        "/write/row",
        "rows of the live model",
        "one row a slot",
        "usage",
        "cosines",
        "losses",
    )
    assert all(
        found[name] == "passed" for name in (*always, "read words", "nearest words", "sums of weights")
    )
    assert (found["read weights"] == "passed") == (kind in ("sam", "sdnc", "dam"))
    assert (found["rows written"] == "passed") == (kind in ("sam", "sdnc", "dam"))
    assert (found["slots written"] == "passed") == (kind in ("sam", "sdnc"))
    assert (found["links"] == "passed") == (kind == "sdnc")


# (dataset, what is done to it at step 20, the check that must fail); of SAM and SDNC
SPOILT = [
    ("write/slot", lambda v: np.where(v == v[0, 0, -1], (v + 1) % 14, v), "slots written"),
    ("write/weight", lambda v: v * 1.01 + 0.001 * (v > 0), "write weights"),
    ("write/word", lambda v: v + 0.1, "rows written"),
    ("usage/read", lambda v: v - (v >= 0), "usage"),
    ("read/score", lambda v: v * 0.99, "cosines"),
    ("gate/beta", lambda v: v * 1.5, "read weights"),
    ("read/word", lambda v: v + 0.01, "read words"),
    ("read/word", lambda v: np.where(np.arange(v.size).reshape(v.shape) == 0, np.nan, v), "read words"),
    ("write/row", lambda v: np.where(np.arange(v.size).reshape(v.shape) == 0, np.nan, v), "rows written"),
    ("io/loss", lambda v: v + 1, "losses"),
    ("gate/alpha", lambda v: v * 0.5, "write weights"),
]


@pytest.mark.parametrize("kind", ["sam", "sdnc"])
@pytest.mark.parametrize(("name", "change", "check"), SPOILT, ids=[f"{s[0]}-{s[2]}" for s in SPOILT])
def test_a_wrong_number_fails_the_check_it_belongs_to(
    spoilt: Callable[[str], Path], kind, name, change, check
) -> None:
    trace = spoilt(kind)
    with h5py.File(trace, "r+") as file:
        file[name][20] = change(file[name][20])
    report = verify(trace)
    assert not report.sound
    failed = next(found for found in report.checks if found.name == check)
    assert failed.outcome == "failed", "\n".join(report.lines())
    assert "first at step 20" in failed.detail


def test_a_row_that_differs_between_heads(spoilt: Callable[[str], Path]) -> None:
    trace = spoilt("dam")
    with h5py.File(trace, "r+") as file:
        file["write/row"][20, 0, 0, 0] += 1
    assert outcomes(verify(trace))["one row a slot"] == "failed"


def test_a_word_that_was_nearer(spoilt: Callable[[str], Path]) -> None:
    """The best slot of a read gives way to one that was not read."""
    trace = spoilt("sam")
    with h5py.File(trace, "r+") as file:
        read = file["read/slot"][25, 0, 0]
        query, score = file["read/query"][25, 0, 0], file["read/score"][25, 0, 0]
        from samviz.trace import open_trace

        with open_trace(trace) as opened:
            memory = opened.memory(25)
        other = next(i for i in range(14) if i not in read and memory[i].any())
        norms = np.linalg.norm(query) * np.linalg.norm(memory[other]) + 1e-6
        read[0], score[0] = other, query @ memory[other] / norms
        file["read/slot"][25, 0, 0], file["read/score"][25, 0, 0] = read, score
    failed = next(check for check in verify(trace).checks if check.name == "nearest words")
    assert failed.outcome == "failed"
    assert "first at step 25" in failed.detail


def test_links_that_do_not_follow(spoilt: Callable[[str], Path]) -> None:
    trace = spoilt("sdnc")
    for name in ("link/precedence_weight", "link/forward_weight", "link/backward_slot"):
        path = Path(shutil.copy(trace, trace.with_name("spoilt.h5")))
        with h5py.File(path, "r+") as file:
            at = int(np.flatnonzero((file[name][:, 0] > 0).any((1, 2)))[0])
            value = file[name][at]
            file[name][at] = np.where(value > 0, value / 2 if value.dtype.kind == "f" else value - 1, value)
        failed = next(check for check in verify(path).checks if check.name == "links")
        assert failed.outcome == "failed", name
        assert f"first at step {at}" in failed.detail


def test_a_row_that_is_not_what_the_model_had(spoilt: Callable[[str], Path]) -> None:
    trace = spoilt("sdnc")
    with h5py.File(trace, "r+") as file:
        used = int(np.flatnonzero(file["check/slot"][-1] >= 0)[0])
        slot = file["check/slot"][-1, used]
        file["check/row"][-1, used, 0] += np.float32(1e-6)
        step = file["check/step"][-1]
    failed = next(check for check in verify(trace).checks if check.name == "rows of the live model")
    assert failed.outcome == "failed"
    assert f"step {step}, slot {slot}" in failed.detail


def test_reads_that_are_left_out_on_the_last_step_of_an_episode(spoilt: Callable[[str], Path]) -> None:
    trace = spoilt("sam")
    with h5py.File(trace, "r+") as file:
        last = int(file["n_steps"][0]) - 1
        for name, nothing in (("slot", -1), ("weight", 0), ("score", 0)):
            file[f"read/{name}"][last, 0, 0, -1] = nothing
        share = file["read/weight"][last, 0, 0]
        file["read/weight"][last, 0, 0] = share / share.sum()
        file["usage/read"][last, 0, 0, -1] = -1
    failed = next(check for check in verify(trace).checks if check.name == "nearest words")
    assert failed.outcome == "failed"
    assert f"first at step {last}" in failed.detail


def test_committed_steps_that_are_lost_are_no_sound_trace(spoilt: Callable[[str], Path]) -> None:
    trace = spoilt("sam")
    with h5py.File(trace, "r+") as file:
        file["n_steps"][0] -= 10
    report = verify(trace)
    assert not report.sound
    assert "the last 10 are not shown" in report.checks[0].detail


def test_a_memory_at_the_start_that_is_told_twice(spoilt: Callable[[str], Path]) -> None:
    trace = spoilt("sam")
    for slots, access, sound in (([3, 4], -1, True), ([3, 3], -1, False), ([3, 4], 7, False)):
        with h5py.File(trace, "r+") as file:
            if "start" in file:
                del file["start"]
            file["start/slot"] = np.array(slots, "i4")
            file["start/batch"] = np.zeros(2, "i4")
            file["start/row"] = np.zeros((2, 8), "f4")
            file["start/last_access"] = np.full(2, access, "i8")
        assert (outcomes(verify(trace))["memory at the start"] == "passed") is sound


def test_a_checkpoint_that_is_another(spoilt: Callable[[str], Path]) -> None:
    trace = spoilt("sam")
    assert outcomes(verify(trace))["checkpoint"] == "passed"
    with h5py.File(trace, "r+") as file:
        file["model/weights"][-1] ^= 1
    assert outcomes(verify(trace))["checkpoint"] == "failed"


def test_a_loss_of_another_kind_is_not_judged(spoilt: Callable[[str], Path]) -> None:
    trace = spoilt("sam")
    with h5py.File(trace, "r+") as file:
        file["io/loss"][20] = np.nan
    assert outcomes(verify(trace))["losses"] == "failed"
    with h5py.File(trace, "r+") as file:
        file.attrs["meta"] = np.bytes_(file.attrs["meta"].replace(b'"output_kind"', b'"another_kind"'))
    assert outcomes(verify(trace))["losses"] == "skipped"


VALUES = [
    ("read/slot", 5, "expected slots from -1 to 13, none twice in a head's read, found 5"),
    ("read/slot", 99, "expected slots from -1 to 13, none twice in a head's read, found 99"),
    ("read/weight", np.nan, "expected finite weights, 0 where there is no entry, found nan"),
    ("usage/write", 20, "expected steps from -1 to the one before, found 20"),
    ("io/mask", 7, "expected 0 or 1, found 7"),
]


@pytest.mark.parametrize(("name", "value", "said"), VALUES)
def test_a_value_that_no_trace_may_hold(spoilt: Callable[[str], Path], name, value, said) -> None:
    trace = spoilt("sam")
    with h5py.File(trace, "r+") as file:
        file[name][20, 0, ...] = value
    report = verify(trace)
    failed = next(check for check in report.checks if check.name == f"/{name}")
    assert failed.outcome == "failed"
    assert f"step 20: {said}" in failed.detail
    assert outcomes(report)["equations"] == "skipped"


def test_a_checksum_that_does_not_match(spoilt: Callable[[str], Path]) -> None:
    trace = spoilt("sam")
    with h5py.File(trace) as file:
        where = file["write/row"].id.get_chunk_info(1).byte_offset
    data = bytearray(trace.read_bytes())
    data[where + 7] ^= 4
    trace.write_bytes(data)
    report = verify(trace)
    assert outcomes(report)["/write/row"] == "failed"
    assert outcomes(report)["/read/slot"] == "passed"
    assert "steps 16" in next(check.detail for check in report.checks if check.name == "/write/row")


def test_a_foreign_model_is_held_to_what_the_format_says_alone(tmp_path: Path) -> None:
    sizes = make_dimensions()
    events = random_events(np.random.default_rng(0), 30, sizes)
    for usage in (events.read_usage, events.write_usage):
        usage[:] = -1
    path = write_trace(tmp_path / "run.h5", events, sizes, meta={"model": {"class": "Mine"}})
    report = verify(path)
    assert outcomes(report)["usage"] == "failed"  # it was never -1 for long
    assert outcomes(report)["cosines"] == "skipped"
    assert outcomes(report)["/read/slot"] == "passed"
    assert outcomes(verify(path, equations=False)).get("usage") is None
    assert verify(path, equations=False).checks[-1].name == "rows of the live model"


def test_a_report_survives_json() -> None:
    report = Report.of("a.h5", [Check("links", "failed", "at 3 steps"), Check("usage", "skipped", "none")])
    assert Report.from_json(report.json()) == report
    assert json.loads(report.json())["sound"] is False
    assert report.lines()[-1] == "NOT SOUND: 1 of 2 checks failed"


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "samviz.cli", "verify", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_says_it_with_its_exit_code(spoilt: Callable[[str], Path]) -> None:
    trace = spoilt("sam")
    done = command(str(trace), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["sound"] is True
    with h5py.File(trace, "r+") as file:
        file["read/word"][3] += 1
    done = command(str(trace))
    assert done.returncode == 1
    assert "failed   read words" in done.stdout
    assert done.stdout.rstrip().endswith("checks failed")
    done = command(str(trace.with_name("none.h5")))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("samviz: ")
    assert done.stderr.count("\n") == 1


def test_a_reader_that_crashes_or_hangs_takes_only_its_own_process_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(code: str, **limits: float) -> Report:
        monkeypatch.setattr(child, "MODULE", ("-c", code))
        return verify_apart(tmp_path / "a.h5", limits=Limits(**limits))

    crashed = run("import os; os.kill(os.getpid(), 11)")
    assert crashed.checks[0] == Check(
        "reading",
        "failed",
        f"reading the file killed the reader (signal {signal.SIGSEGV:d}): do not open it elsewhere",
    )
    with pytest.raises(TraceError, match=r"within 0.3 s, took longer; allow more with --time-limit"):
        run("import time; time.sleep(60)", time_s=0.3)
    with pytest.raises(TraceError, match=r"ended from outside \(signal 9\)"):
        run("import os; os.kill(os.getpid(), 9)")
    with pytest.raises(TraceError, match="exit code 3"):
        run("raise SystemExit(3)")


def test_a_verification_that_takes_more_memory_than_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = (
        "import sys\n"
        "from samviz.verify import child\n"
        "child.verify = lambda *_, **__: bytearray(2**31)\n"
        "child.main(sys.argv[1:])\n"
    )
    monkeypatch.setattr(child, "MODULE", ("-c", code))
    with pytest.raises(TraceError, match=r"bytes of memory, took more; allow more with --memory-limit"):
        verify_apart(tmp_path / "a.h5", limits=Limits(memory=2**31))
    for time_s in (float("nan"), 1e20, 0):
        with pytest.raises(ConfigError, match="time limit: expected at most 1,000,000 seconds"):
            verify_apart(tmp_path / "a.h5", limits=Limits(time_s=time_s))
    with pytest.raises(ConfigError, match="memory limit: expected at least"):
        verify_apart(tmp_path / "a.h5", limits=Limits(memory=2**20))

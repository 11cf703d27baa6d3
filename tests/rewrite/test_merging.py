import h5py
import numpy as np
import pytest

from samviz.errors import ConfigError, TraceError
from samviz.rewrite import merge, merging, slice_trace
from samviz.rewrite.plan import Piece
from samviz.trace import open_trace
from tests.rewrite.builders import META, contents, files_in, make_trace


def test_steps_and_episodes_go_on_and_the_memory_starts_afresh(tmp_path):
    one = make_trace(tmp_path / "one.h5", [7, 5], seed=1, check=True, start=True)
    two = make_trace(tmp_path / "two.h5", [4, 8], seed=2, check=True)
    merge(tmp_path / "all.h5", [one, two, two])
    with open_trace(tmp_path / "all.h5") as whole, open_trace(one) as first, open_trace(two) as second:
        assert [(e.number, e.start, e.stop) for e in whole.episodes] == [
            *((0, 0, 7), (1, 7, 12), (2, 12, 16), (3, 16, 24), (4, 24, 28), (5, 28, 36))
        ]
        assert whole.status == "complete"
        for at, part in ((0, first), (12, second), (24, second)):
            for name in ("read/weight", "write/row", "io/loss"):
                np.testing.assert_array_equal(whole[name][at : at + 12], part[name][:])
            for name in ("usage/read", "usage/write", "io/source"):
                told = part[name][:]
                expected = np.where(told < 0, -1, told + at)
                np.testing.assert_array_equal(whole[name][at : at + 12], expected)
            for t in range(12):
                np.testing.assert_array_equal(whole.memory(at + t), part.memory(t))
                usage = part.usage(t)
                np.testing.assert_array_equal(whole.usage(at + t), np.where(usage < 0, usage, usage + at))
        step = np.concatenate(
            [part["check/step"][:] + at for at, part in ((0, first), (12, second), (24, second))]
        )
        np.testing.assert_array_equal(whole["check/step"][:], step)
        row = np.concatenate([part["check/row"][:] for part in (first, second, second)])
        np.testing.assert_array_equal(whole["check/row"][:], row)


def test_higher_numbers_of_episodes_stay(tmp_path):
    path = make_trace(tmp_path / "run.h5", [3, 0, 3, 3])
    slice_trace(path, tmp_path / "late.h5", episodes=(3, 4))
    merge(tmp_path / "all.h5", [tmp_path / "late.h5", path, tmp_path / "late.h5"])
    with open_trace(tmp_path / "all.h5") as whole:
        assert [episode.number for episode in whole.episodes] == [3, 4, 6, 7, 8]


def test_every_element_of_a_batch_starts_afresh(tmp_path):
    one = make_trace(tmp_path / "one.h5", [4], batch=2)
    with h5py.File(one, "r+") as file:
        file["episode"][:, 1] = [0, 5, 5, 9]
    merge(tmp_path / "all.h5", [one, one])
    with open_trace(tmp_path / "all.h5") as whole:
        assert whole["episode"][:].T.tolist() == [[0] * 4 + [10] * 4, [0, 5, 5, 9, 10, 15, 15, 19]]


def test_a_start_belongs_to_the_first_step_there_is(tmp_path):
    empty = make_trace(tmp_path / "empty.h5", [], start=True)
    plain = make_trace(tmp_path / "plain.h5", [5])
    started = make_trace(tmp_path / "started.h5", [5], start=True)
    merge(tmp_path / "a.h5", [empty, plain])
    with open_trace(tmp_path / "a.h5") as whole:
        assert "start/slot" not in whole
    merge(tmp_path / "b.h5", [make_trace(tmp_path / "none.h5", []), started, plain])
    with open_trace(tmp_path / "b.h5") as whole, open_trace(started) as first:
        np.testing.assert_array_equal(whole.memory(0), first.memory(0))
        assert len(whole) == 10
    with pytest.raises(TraceError, match=r"started\.h5: expected a trace that starts with an empty memory"):
        merge(tmp_path / "c.h5", [plain, started])
    assert not (tmp_path / "c.h5").exists()


def test_empty_traces_make_an_empty_trace(tmp_path):
    empty = make_trace(tmp_path / "empty.h5", [])
    assert merge(tmp_path / "all.h5", [empty, empty]).steps == 0
    with open_trace(tmp_path / "all.h5") as whole:
        assert len(whole) == 0


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"slots": 13}, "slots: expected 12 as in .*one.h5, found 13"),
        ({"word_size": 4}, "word_size: expected 3"),
        ({"batch": 2}, "batch: expected 1"),
        ({"links": 2}, "links: expected 0"),
        ({"input_size": 0}, r"/io/input: expected float32 \[1, 2\] a step as in .*, found none"),
        ({"half_rows": True}, r"/write/row: expected float32 .*, found float16"),
        ({"source_size": 2}, r"/io/source: expected int32 \[1, 1\]"),
    ],
)
def test_the_first_difference_is_named(tmp_path, settings, says):
    one = make_trace(tmp_path / "one.h5", [5])
    if "input_size" in settings:
        two = make_trace(tmp_path / "two.h5", [5])
        with h5py.File(two, "r+") as file:
            del file["io/input"]
    else:
        two = make_trace(tmp_path / "two.h5", [5], **settings)
    with pytest.raises(TraceError, match=says):
        merge(tmp_path / "all.h5", [one, two])
    assert set(files_in(tmp_path)) == {"one.h5", "two.h5"}


@pytest.mark.parametrize(("name", "value"), [("access_threshold", np.float32(0.5)), ("last_write_erases", 0)])
def test_rules_must_agree(tmp_path, name, value):
    one, two = (make_trace(tmp_path / name, [5]) for name in ("one.h5", "two.h5"))
    with h5py.File(two, "r+") as file:
        file.attrs[name] = value
    with pytest.raises(TraceError, match=f"{name}: expected"):
        merge(tmp_path / "all.h5", [one, two])


def test_what_is_the_same_in_all_is_kept(tmp_path):
    one = make_trace(tmp_path / "one.h5", [5], weights=b"one")
    same = make_trace(tmp_path / "same.h5", [5], weights=b"one")
    meta = META | {"seed": 8, "user": {"why": "a test", "who": "me"}}
    other = make_trace(tmp_path / "other.h5", [5], weights=b"two", meta=meta)
    none = make_trace(tmp_path / "none.h5", [5])
    assert merge(tmp_path / "a.h5", [one, same]).notes == ()
    with open_trace(tmp_path / "a.h5") as whole, open_trace(one) as first, open_trace(same) as second:
        assert whole["model/weights"][:].tobytes() == b"one"
        told = [{"uuid": first.uuid, "steps": [0, 5]}, {"uuid": second.uuid, "steps": [5, 10]}]
        merged = {"traces": 2, "sources": told}
        assert dict(whole.meta) == META | {"user": {"why": "a test", "merged": merged}}
        assert whole.uuid not in (first.uuid, second.uuid)
    for different in (other, none):
        (note,) = merge(tmp_path / "b.h5", [one, different], overwrite=True).notes
        assert "left out /model/weights" in note
        with open_trace(tmp_path / "b.h5") as whole:
            assert "model/weights" not in whole
    merge(tmp_path / "c.h5", [one, other])
    with open_trace(tmp_path / "c.h5") as whole:
        assert set(whole.meta) == {"model", "task", "user"}
        assert set(whole.meta["user"]) == {"why", "merged"}


def test_one_that_stopped_early_makes_all_so(tmp_path):
    one, two = (make_trace(tmp_path / name, [5]) for name in ("one.h5", "two.h5"))
    with h5py.File(two, "r+") as file:
        file["status"][0] = 2
    merge(tmp_path / "all.h5", [one, two])
    with open_trace(tmp_path / "all.h5") as whole:
        assert whole.status == "stopped early"


def test_many_traces(tmp_path, monkeypatch):
    monkeypatch.setattr(merging, "TOLD_SOURCES", 10)
    path = make_trace(tmp_path / "run.h5", [1])
    merge(tmp_path / "all.h5", [path] * 12)
    with open_trace(tmp_path / "all.h5") as whole:
        assert len(whole.episodes) == 12
        assert whole.meta["user"]["merged"]["traces"] == 12
        assert len(whole.meta["user"]["merged"]["sources"]) == 10


def test_a_trace_that_changes_meanwhile_is_noticed(tmp_path):
    one, two = (make_trace(tmp_path / name, [5]) for name in ("one.h5", "two.h5"))
    three = make_trace(tmp_path / "three.h5", [5])

    def exchange(done, total):
        if three.exists():
            three.replace(two)

    with pytest.raises(TraceError, match=r"two\.h5: became another trace"):
        merge(tmp_path / "all.h5", [one, two], report=exchange)
    assert set(files_in(tmp_path)) == {"one.h5", "two.h5"}


def test_a_trace_that_becomes_shorter_meanwhile_is_noticed(tmp_path):
    one, two = (make_trace(tmp_path / name, [9]) for name in ("one.h5", "two.h5"))
    three = make_trace(tmp_path / "three.h5", [5])
    with h5py.File(two) as file, h5py.File(three, "r+") as shorter:
        shorter.attrs["uuid"] = file.attrs["uuid"]

    def exchange(done, total):
        if three.exists():
            three.replace(two)

    with pytest.raises(TraceError, match=r"two\.h5: became another trace"):
        merge(tmp_path / "all.h5", [one, two], report=exchange)
    assert set(files_in(tmp_path)) == {"one.h5", "two.h5"}


def test_a_block_that_is_too_short_is_noticed(tmp_path, monkeypatch):
    one, two = (make_trace(tmp_path / name, [9]) for name in ("one.h5", "two.h5"))
    read = Piece.read
    monkeypatch.setattr(Piece, "read", lambda piece, start, stop: read(piece, start, min(stop, 5)))
    with pytest.raises(TraceError, match=r"/episode: expected rows 0 to 8 of its source, found 5 of them"):
        merge(tmp_path / "all.h5", [one, two])
    assert set(files_in(tmp_path)) == {"one.h5", "two.h5"}


def test_too_many_steps_or_episodes(tmp_path, monkeypatch):
    one = make_trace(tmp_path / "one.h5", [5])
    monkeypatch.setattr(merging, "MOST", 9)
    with pytest.raises(ConfigError, match="at most 9 steps"):
        merge(tmp_path / "all.h5", [one, one])
    monkeypatch.setattr(merging, "MOST", 10)
    with h5py.File(one, "r+") as file:
        file["episode"][:] = 7
    merge(tmp_path / "all.h5", [one, one])
    with h5py.File(one, "r+") as file:
        file["episode"][:] = 10
    with pytest.raises(ConfigError, match="episode numbers up to 10"):
        merge(tmp_path / "all.h5", [one, one])


def test_one_trace_alone(tmp_path):
    with pytest.raises(ConfigError, match="two traces or more"):
        merge(tmp_path / "all.h5", [make_trace(tmp_path / "one.h5", [5])])


def test_sources_stay_as_they_are(tmp_path):
    one, two = (make_trace(tmp_path / name, [5]) for name in ("one.h5", "two.h5"))
    before = files_in(tmp_path)
    merge(tmp_path / "all.h5", [one, two])
    assert {name: data for name, data in files_in(tmp_path).items() if name != "all.h5"} == before
    assert contents(one)["episode"][1] == (5, 1)

"""The inverted index: what it holds, what is asked through it, and that its cache never lies."""

import os
import shutil
import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samviz.demo import Demo, generate
from samviz.errors import ConfigError, TraceError
from samviz.trace import Trace, open_trace
from samviz.trace.hdf5 import column
from samviz.trace.memory import entries, index, index_cache, taken
from samviz.trace.memory.entries import merged_weights
from samviz.trace.memory.history import ERASE, READ, WRITE
from samviz.writer_lock import WriterLock, lock_path
from tests.builders import make_dimensions, random_events, write_trace


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of its own, in which even small indexes are kept."""
    folder = tmp_path / "cache" / "indexes"
    monkeypatch.setattr(index_cache, "cache_folder", lambda: folder)
    monkeypatch.setattr(index, "KEPT_IN_MEMORY", 0)
    monkeypatch.setattr(index_cache, "SETTLED_S", 0)
    return folder


def recorded(path: Path, steps: int = 60, seed: int = 0, **sizes: int) -> Path:
    dimensions = make_dimensions(**sizes)
    events = random_events(np.random.default_rng(seed), steps, dimensions)
    return write_trace(path, events, dimensions, [steps // 3] if steps >= 3 else [], chunk_steps=8)


def same(found: Any, expected: Any) -> None:
    for field, (one, other) in zip(expected._fields, zip(found, expected, strict=True), strict=True):
        np.testing.assert_array_equal(one, other, err_msg=field)


def history_by_hand(trace: Trace, slot: int, batch: int) -> list[tuple[int, int, int, float]]:
    lines = []
    for t in range(len(trace)):
        written, read = (trace[f"{kind}/slot"][t, batch] for kind in ("write", "read"))
        heads = range(len(written))
        lines += [(t, h, ERASE, 1.0) for h in heads if written[h, -1] == slot]
        for kind, slots, name in ((WRITE, written, "write"), (READ, read, "read")):
            weight = merged_weights(slots, trace[f"{name}/weight"][t, batch])
            lines += [(t, h, kind, weight[h, list(slots[h]).index(slot)]) for h in heads if slot in slots[h]]
    return lines


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    steps=st.integers(0, 40),
    heads=st.integers(1, 3),
    reads=st.integers(1, 3),
    batch=st.integers(1, 2),
    slots=st.integers(3, 20),
    block_bytes=st.sampled_from([1, 2000, 2**20]),
    many=st.sampled_from([0, 32]),
)
def test_an_index_holds_every_entry_by_slot_and_step(
    tmp_path_factory, seed, steps, heads, reads, batch, slots, block_bytes, many
):
    sizes = {"heads": heads, "reads": reads, "batch": batch, "slots": slots}
    path = recorded(tmp_path_factory.mktemp("index") / "a.h5", steps, seed, **sizes)
    with pytest.MonkeyPatch.context() as patch, open_trace(path) as trace:
        patch.setattr(index, "READ_BYTES", block_bytes)
        patch.setattr(index, "MANY_ENTRIES", many)
        for kind in ("read", "write"):
            for element in range(batch):
                found = trace.index(kind, element)
                slot, weight = (trace[f"{kind}/{name}"][:, element] for name in ("slot", "weight"))
                order = np.argsort(slot, axis=None, kind="stable")
                order = order[slot.ravel()[order] >= 0]
                np.testing.assert_array_equal(found.position, order)
                np.testing.assert_array_equal(found.weight, merged_weights(slot, weight).ravel()[order])
                counts = np.bincount(slot[slot >= 0], minlength=slots)
                np.testing.assert_array_equal(found.first, np.append(0, np.cumsum(counts)))
                used = trace["usage/write"][:, element, :, -1].ravel() >= 0
                np.testing.assert_array_equal(found.used, used if kind == "write" else [])


def test_the_history_of_a_slot_is_every_event_in_order(tmp_path: Path) -> None:
    with open_trace(recorded(tmp_path / "a.h5", batch=2)) as trace:
        for batch in range(2):
            for slot in range(trace.dimensions.slots):
                found = trace.history(slot, batch)
                lines = list(zip(*(column.tolist() for column in found), strict=True))
                expected = [(t, h, kind, float(w)) for t, h, kind, w in history_by_hand(trace, slot, batch)]
                assert lines == expected
                assert (found.step.dtype, found.weight.dtype) == (np.int64, np.float32)


def test_what_is_not_erased_has_no_erasures(tmp_path: Path) -> None:
    sizes = make_dimensions()
    events = random_events(np.random.default_rng(0), 20, sizes)
    path = write_trace(tmp_path / "a.h5", events, sizes, last_write_erases=False)
    with open_trace(path) as trace:
        assert trace.index("write").used.size == 0
        assert not (trace.history(4).kind == ERASE).any()


@pytest.mark.parametrize(("slot", "batch"), [(-1, 0), (12, 0), (0, 1), (0, -1)])
def test_a_slot_or_element_that_is_not_there_is_refused(tmp_path: Path, slot: int, batch: int) -> None:
    with open_trace(recorded(tmp_path / "a.h5")) as trace, pytest.raises(ConfigError, match="; "):
        trace.history(slot, batch)


@pytest.mark.parametrize(("name", "value"), [("write/slot", 12), ("read/slot", -2), ("read/weight", np.nan)])
def test_a_damaged_column_is_refused_before_it_indexes_anything(
    tmp_path: Path, name: str, value: float
) -> None:
    path = recorded(tmp_path / "a.h5")
    with h5py.File(path, "r+") as file:
        file[name][37, 0, 1, 0] = value
    with open_trace(path) as trace, pytest.raises(TraceError, match=f"/{name} step 37: expected"):
        trace.history(3)


@pytest.mark.parametrize(("before", "after"), [(3, 5), (3, -1), (-1, 3)])
def test_what_is_changed_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: int, after: int
) -> None:
    """The second pass over the slots finds another slot than the first one counted, or one more or less."""
    passes: list[int] = []

    def read_changing_slots(path: Path, column: Any, start: int, stop: int, *how: int) -> Any:
        passes.extend([start] if start == 0 else [])
        slots = entries.read_slots(path, column, start, stop, *how).copy()
        slots[:, 0, 0] = before if len(passes) == 1 else after
        return slots

    monkeypatch.setattr(index, "read_slots", read_changing_slots)
    with open_trace(recorded(tmp_path / "a.h5")) as trace, pytest.raises(TraceError, match="was changed"):
        trace.index("write")


def test_an_index_is_kept_and_mapped(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = recorded(tmp_path / "a.h5", batch=2)
    with open_trace(path) as trace:
        built = {(kind, b): trace.index(kind, b) for kind in ("read", "write") for b in range(2)}
        assert trace.has_index("read", 1)
    assert len(list(cache.iterdir())) == 4
    monkeypatch.setattr(index, "build", None)  # from here on nothing is built
    with open_trace(path) as trace:
        assert not trace.has_index("read")
        for (kind, b), expected in built.items():
            found = trace.index(kind, b)
            same(found, expected)
            assert isinstance(found.position.base, np.memmap)
            assert not found.position.flags.writeable


def damage_nothing(place: Path) -> None:
    """The index as it is."""


def damage_bytes(place: Path) -> None:
    data = bytearray((place / "weight.npy").read_bytes())
    data[-3] ^= 4
    (place / "weight.npy").write_bytes(data)


def damage_length(place: Path) -> None:
    data = (place / "position.npy").read_bytes()
    (place / "position.npy").write_bytes(data[:-8])


def damage_header(place: Path) -> None:
    (place / "header.json").write_text("{")


def damage_by_loss(place: Path) -> None:
    (place / "first.npy").unlink()


def damage_by_pickle(place: Path) -> None:
    np.save(place / "first.npy", np.array([{}], object), allow_pickle=True)


def damage_by_exchange(place: Path) -> None:
    np.save(place / "position.npy", np.load(place / "position.npy").astype("i8"))


def damage_by_text(place: Path) -> None:
    (place / "header.json").write_text('{"facts": 3, "arrays": []}')


def damage_by_emptiness(place: Path) -> None:
    (place / "weight.npy").write_bytes(b"")


def damage_by_archive(place: Path) -> None:
    (place / "weight.npy").write_bytes(b"PK\x03\x04 and nothing more")


def damage_array_header(place: Path) -> None:
    (place / "weight.npy").write_bytes(b"\x93NUMPY\x01\x00\x10\x00{'descr': ((((( \n")


def damage_by_depth(place: Path) -> None:
    (place / "header.json").write_text("[" * 100_000)


@pytest.mark.parametrize(
    "damage",
    [
        damage_by_emptiness,
        damage_by_archive,
        damage_array_header,
        damage_by_depth,
        damage_bytes,
        damage_length,
        damage_header,
        damage_by_loss,
        damage_by_pickle,
        damage_by_exchange,
        damage_by_text,
    ],
)
def test_a_damaged_cache_is_made_anew_without_a_word(
    tmp_path: Path, cache: Path, damage: Any, recwarn: pytest.WarningsRecorder
) -> None:
    path = recorded(tmp_path / "a.h5")
    with open_trace(path) as trace:
        expected = index.SlotIndex(*map(np.array, trace.index("write")))  # those in use are mapped
    (place,) = cache.iterdir()
    damage(place)
    with open_trace(path) as trace:
        assert index_cache.load(index_cache.key_of(trace, "write", 0)) is None
        same(trace.index("write"), expected)
        assert index_cache.load(index_cache.key_of(trace, "write", 0)) is not None
    assert len(recwarn) == 0


def test_what_agrees_with_its_header_but_not_with_a_trace_is_not_used(tmp_path: Path, cache: Path) -> None:
    with open_trace(recorded(tmp_path / "a.h5")) as trace:
        key, arrays = index_cache.key_of(trace, "write", 0), trace.index("write")._asdict()
        assert index_cache.save(key, arrays)
        assert index_cache.load(key) is not None
        outside = arrays["position"].copy()
        outside[0] = len(trace) * 6
        for name, wrong in {
            "position": outside,
            "first": arrays["first"][::-1].copy(),
            "weight": arrays["weight"][1:],
            "used": arrays["used"][1:],
        }.items():
            assert index_cache.save(key, arrays | {name: wrong})
            assert index_cache.load(key) is None


def edit_in_place(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["write/weight"][299] *= 2
        file["usage/write"][299] = -1
    os.utime(path, ns=(0, 10**9))  # a clock may stand still between two changes


def edit_and_hide_it(path: Path) -> None:
    before = path.stat()
    edit_in_place(path)
    while path.stat().st_ctime_ns == before.st_ctime_ns:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def edit_a_copy(path: Path) -> None:
    copy = path.with_name("copy.h5")
    shutil.copy2(path, copy)
    edit_in_place(copy)
    copy.replace(path)


@pytest.mark.parametrize("edit", [edit_in_place, edit_and_hide_it, edit_a_copy])
def test_a_trace_that_was_edited_gets_another_index(tmp_path: Path, cache: Path, edit: Any) -> None:
    path = recorded(tmp_path / "a.h5", 600)
    with open_trace(path) as trace:
        before = trace.index("write")
        assert before.used[600 - 2 : 600].any()
    assert len(list(cache.iterdir())) == 1
    edit(path)
    with open_trace(path) as trace:
        after = trace.index("write")
    edited = after.position // 6 == 299
    assert edited.any()
    np.testing.assert_array_equal(after.weight, np.where(edited, 2 * before.weight, before.weight))
    assert not after.used[598:600].any()


def test_what_was_changed_just_now_is_not_kept(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_cache, "SETTLED_S", 3600)
    with open_trace(recorded(tmp_path / "a.h5")) as trace:
        trace.index("read")
    assert not cache.exists()


def test_a_cache_that_cannot_be_written_breaks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    with open_trace(recorded(tmp_path / "a.h5")) as trace:
        assert trace.history(3).step.size > 0


def test_a_full_disk_is_left_alone(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_cache, "FREE_BYTES", 2**60)
    with open_trace(recorded(tmp_path / "a.h5")) as trace:
        assert trace.history(3).step.size > 0
    assert not list(cache.iterdir())


def test_the_oldest_indexes_go_first(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def build(name: str) -> Path:
        before = set(cache.iterdir()) if cache.exists() else set()
        with open_trace(recorded(tmp_path / name, seed=len(before))) as trace:
            trace.index("read")
        (made,) = set(cache.iterdir()) - before
        return made

    first, second = build("a.h5"), build("b.h5")
    for made, seconds in ((first, 1000), (second, 2000)):  # long ago, and further apart than a clock's ticks
        os.utime(made, (seconds, seconds))
    size = sum(file.stat().st_size for file in first.iterdir())
    monkeypatch.setattr(index_cache, "CACHE_BYTES", int(2.5 * size))
    with open_trace(tmp_path / "a.h5") as trace:
        trace.index("read")  # used again
    third = build("c.h5")
    assert first.exists()
    assert not second.exists()
    assert third.exists()
    monkeypatch.setattr(index_cache, "CACHE_BYTES", size // 2)
    with open_trace(recorded(tmp_path / "d.h5", seed=9)) as trace:
        trace.index("read")
    assert len(list(cache.iterdir())) == 2  # too large to be kept, so nothing else went for it


def test_the_index_of_a_trace_that_may_grow_is_not_kept(tmp_path: Path, cache: Path) -> None:
    path = recorded(tmp_path / "a.h5")
    with h5py.File(path, "r+") as file:
        file["status"][0] = 0
    with open_trace(path) as trace:
        trace.index("read")  # nobody knows who writes it
    lock = WriterLock(path)
    with open_trace(path) as trace:
        trace.index("read")
    assert not cache.exists()
    lock.release()
    lock_path(path).touch()  # as a recorder that was killed leaves it
    with open_trace(path) as trace:
        trace.index("read")
    assert len(list(cache.iterdir())) == 1


def test_threads_build_an_index_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built, found = [], []
    build = index.build
    monkeypatch.setattr(index, "build", lambda *asked: built.append(asked) or build(*asked))
    with open_trace(recorded(tmp_path / "a.h5")) as trace:
        threads = [threading.Thread(target=lambda: found.append(trace.index("read"))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(built) == 1
    assert all(one is found[0] for one in found)


def test_short_questions_load_no_compiler(tmp_path: Path) -> None:
    code = """
import sys, samviz
trace = samviz.open(sys.argv[1])
trace.memory(30), trace.usage(30), repr(trace)
sys.exit("numba" in sys.modules)
"""
    command = [sys.executable, "-c", code, str(recorded(tmp_path / "a.h5"))]
    assert subprocess.run(command, check=False).returncode == 0


def test_building_holds_eight_bytes_an_entry_and_nothing_else_that_grows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    block = 2**16
    for module in (index, column, taken):
        monkeypatch.setattr(module, "READ_BYTES", block)
    peaks, bounds = [], []
    for steps in (4000, 24_000):
        path = tmp_path / f"{steps}.h5"
        generate(Demo(steps=steps, slots=300, word_size=4), path)
        with open_trace(path) as trace:
            index.build(trace, "write", 0)  # what is made at the first use exists now
            tracemalloc.start()
            built = index.build(trace, "write", 0)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        bounds.append(8 * built.position.size + 16 * (300 + 1) + built.used.size + 16 * block)
    assert peaks[0] < bounds[0]
    assert peaks[1] < bounds[1]
    assert peaks[1] > 8 * built.position.size

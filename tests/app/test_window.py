"""The window holds what the panels need, for every block of a trace."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samviz.analysis.errors import episode_table
from samviz.analysis.scale import scales
from samviz.app.stage.blocks import memory_block, quantised, tracked_slots
from samviz.app.stage.feed import command_message, events_message, overview_message
from samviz.app.stage.pack import unpack
from samviz.app.stage.window import BLOCK_STEPS, PADDING_STEPS, block_of, fields, span, window
from samviz.trace import Trace, open_trace
from tests.app.task_traces import CHARACTERS, VOCABULARY, write_characters, write_sort, write_story
from tests.app.traces import write_model, write_recall


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trace]:
    """400 steps over 600 slots."""
    path = write_recall(tmp_path_factory.mktemp("window") / "run.h5", episodes=40, slots=600)
    with open_trace(path) as opened:
        yield opened


def test_blocks_are_padded_on_both_sides_within_the_run() -> None:
    assert span(0, 1000) == (0, 0, 256, 0, 128)
    assert span(3, 1000) == (3, 384 - PADDING_STEPS, 512 + PADDING_STEPS, 384, 512)
    assert span(7, 1000) == (7, 896 - PADDING_STEPS, 1000, 896, 1000)
    assert [block_of(t) for t in (0, BLOCK_STEPS - 1, BLOCK_STEPS)] == [0, 0, 1]


def test_a_window_answers_what_each_row_holds(trace: Trace) -> None:
    """The browser's rule, in Python: the last write of the episode in the window, else the row before it."""
    for block in range(4):
        header, a = unpack(window(trace, block, "run.h5", scales(trace)))
        unit, first = 4 * header["scale"] / 32767, header["start"]
        for t in (header["core_start"], header["core_stop"] - 1):
            begin = max(trace.episode_at(t).start, first) - first
            rows = np.zeros((trace.dimensions.slots, trace.dimensions.word_size), np.float32)
            if trace.episode_at(t).start < first:
                rows[a["base_slot"]] = a["base_row"] * unit
            steps = slice(begin, t - first + 1)
            written = a["write_slot"][steps].ravel()
            images = a["write_row"][steps].reshape(written.size, -1) * unit
            rows[written[written >= 0]] = images[written >= 0]
            tracked = a["base_slot"]
            np.testing.assert_allclose(rows[tracked], trace.memory(t, tracked), atol=unit)


def test_every_named_slot_is_tracked(trace: Trace) -> None:
    slots, last = tracked_slots(trace, 128, 300)
    for kind in ("read", "write"):
        named = trace[f"{kind}/slot"][128:300, 0]
        assert np.isin(named[named >= 0], slots).all()
    np.testing.assert_array_equal(last, trace.usage(127)[slots] if trace.episode_at(128).start < 128 else -1)
    assert (np.diff(slots) > 0).all()


def test_accesses_in_the_window_are_those_of_the_trace(trace: Trace) -> None:
    block = memory_block(trace, 100, 140, 1.0)
    usage = np.full(trace.dimensions.slots, -1)
    inside = (block["access_step"] >= trace.episode_at(139).start) & (block["access_step"] <= 139)
    usage[block["access_slot"][inside]] = block["access_step"][inside]
    np.testing.assert_array_equal(usage, trace.usage(139))


def test_quantised_values_are_off_by_half_a_unit_at_most() -> None:
    values = np.linspace(-8, 8, 1001, dtype=np.float32)
    unit = 4 * 2.0 / 32767
    assert np.abs(quantised(values, 2.0) * unit - values).max() <= unit / 2 + 1e-6
    assert quantised(np.array([np.nan, 1e9], np.float32), 2.0).tolist() == [0, 32767]


def test_fields_that_do_not_fit_are_left_out() -> None:
    good = {"name": "key", "kind": "flag", "start": 0, "stop": 1}
    bad = [
        {"name": "x"},
        {"name": "x", "start": 3, "stop": 2},
        {"name": "x", "start": 0, "stop": 99},
        7,
        None,
    ]
    assert fields({"input_fields": [good, *bad]}, "input_fields", 4) == [good]
    for nothing in ({}, {"input_fields": "text"}, {"input_fields": None}, None, "text"):
        assert fields(nothing, "input_fields", 4) == []


def one_field(size: int = 4, **field: object) -> dict[str, Any]:
    """What becomes of one field that covers a whole input."""
    given = {"name": "x", "start": 0, "stop": size, **field}
    return fields({"input_fields": [given]}, "input_fields", size)[0]


def test_labels_and_shapes_travel_with_their_fields() -> None:
    assert one_field(kind="words", labels=["a", "b", "c", "d"])["labels"] == ["a", "b", "c", "d"]
    assert one_field(kind="image", shape=[2, 2])["shape"] == [2, 2]
    assert one_field(kind="value")["kind"] == "value"
    assert "labels" not in one_field(kind="bits", labels=["a", "b", "c", "d"])


@pytest.mark.parametrize(
    "labels",
    [
        None,
        "abcd",
        [],
        ["a"],
        ["a"] * 5,
        ["a", "b", "c", 4],
        ["a", "b", "c", None],
        ["a", "b", "c", ["d"]],
        {"a": 1},
    ],
)
def test_labels_that_do_not_fit_are_ignored(labels: object) -> None:
    assert one_field(kind="words", labels=labels) == {"name": "x", "kind": "words", "start": 0, "stop": 4}


def test_labels_are_cut_and_hold_no_control_characters() -> None:
    labels = ["w" * 1000, "a\u202eb\n\x00c", "  ", "<b>"]
    assert one_field(kind="words", labels=labels)["labels"] == ["w" * 24, "abc", "", "<b>"]
    assert "labels" not in one_field(5000, kind="words", labels=["a"] * 5000)


@pytest.mark.parametrize(
    "shape",
    [None, 4, "22", [4], [2, 2, 1], [1, 3], [-2, -2], [0, 4], [2.0, 2], [True, 4], ["2", "2"], [[2], 2]],
)
def test_an_image_of_no_shape_becomes_cells(shape: object) -> None:
    assert one_field(kind="image", shape=shape) == {"name": "x", "kind": "bits", "start": 0, "stop": 4}


def test_an_image_too_large_to_draw_becomes_cells() -> None:
    assert one_field(512, kind="image", shape=[1, 512])["kind"] == "bits"
    assert one_field(512, kind="image", shape=[2, 256])["shape"] == [2, 256]


@pytest.mark.parametrize("kind", [None, 7, "<b>", ["words"], {}, "Words"])
def test_kinds_that_nobody_draws_become_cells(kind: object) -> None:
    assert one_field(kind=kind)["kind"] == "bits"


def test_numbers_without_end_are_no_fields() -> None:
    task = {"input_fields": [{"name": "x", "start": 0, "stop": float("inf")}]}
    assert fields(task, "input_fields", 4) == []


def test_the_window_of_a_task_in_words_or_images(tmp_path: Path) -> None:
    with open_trace(write_story(tmp_path / "story.h5")) as trace:
        header, _ = unpack(window(trace, 0, "story.h5", scales(trace)))
    assert header["input_fields"][0]["labels"] == list(VOCABULARY)
    assert (header["output_kind"], header["counted"]) == ("classes", "answer")
    with open_trace(write_characters(tmp_path / "characters.h5")) as trace:
        header, _ = unpack(window(trace, 0, "characters.h5", scales(trace)))
    assert [f.get("shape") for f in header["input_fields"]] == [[20, 20], None]
    assert header["output_fields"][0]["labels"] == list(CHARACTERS)
    with open_trace(write_sort(tmp_path / "sort.h5")) as trace:
        header, _ = unpack(window(trace, 0, "sort.h5", scales(trace)))
    assert [f["kind"] for f in header["input_fields"]] == ["bits", "value", "flag"]
    assert header["counted"] == "bit"


def test_feeds(trace: Trace) -> None:
    header, a = unpack(overview_message(trace, "run.h5", (100, 200), episode_table(trace)))
    assert (header["start"], header["stop"], header["zoomed"]) == (100, 200, True)
    assert a["wrong"].size == a["cells"].shape[1] == a["edges"].size - 1
    header, a = unpack(events_message(trace, "run.h5", 3))
    assert header["all"] == a["step"].size > 0
    assert unpack(events_message(trace, "run.h5", None))[0]["slot"] is None
    assert unpack(command_message({"trace": "run.h5", "t": 4, "seq": 2}))[0]["t"] == 4


def test_a_trace_without_io_or_gates_still_makes_a_window(tmp_path: Path) -> None:
    from tests.builders import make_dimensions, random_events, write_trace

    sizes = make_dimensions()
    path = write_trace(tmp_path / "bare.h5", random_events(np.random.default_rng(0), 20, sizes), sizes)
    with open_trace(path) as bare:
        _, a = unpack(window(bare, 0, "bare.h5", scales(bare)))
    assert "input" not in a
    assert "wrong" not in a


@pytest.mark.parametrize(
    ("model", "erases", "queue"),
    [
        ("sam", True, True),
        ("sdnc", True, True),
        ("dam", True, False),
        ("ntm", False, False),
        ("dnc", False, False),
    ],
)
def test_a_window_tells_the_model_and_whether_its_queue_decides(
    model: str, erases: bool, queue: bool, tmp_path: Path
) -> None:
    with open_trace(write_model(tmp_path, model)) as trace:
        header, a = unpack(window(trace, 0, trace.path.name, scales(trace)))
        assert (header["model"], header["erases"], header["queue"]) == (model.upper(), erases, queue)
        assert np.isnan(a["read_score"]).any() == (model == "sdnc")
        assert all(np.isfinite(array).all() for name, array in a.items() if name != "read_score")

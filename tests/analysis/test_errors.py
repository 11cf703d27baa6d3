"""Wrong bits, answers, and where a trace opens."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from samviz.analysis import errors
from samviz.analysis.errors import (
    EpisodeSummary,
    all_wrong_counts,
    counted,
    episode_table,
    landing_step,
    wrong_counts,
    wrong_elements,
)
from samviz.trace import Trace, open_trace
from tests.builders import make_dimensions, random_events, recorder_for, window, write_trace

OUTPUT = np.array([[2, -1], [-3, 4], [1, 1], [-2, -2], [5, 0.5], [1, -1]], np.float32)
TARGET = np.array([[1, 0], [1, 0], [0, 0], [0, 1], [1, 1], [1, 0]], np.float32)
MASK = np.array([1, 0, 1, 1, 1, 0], np.uint8)
WRONG = [0, -1, 2, 1, 0, -1]


def recorded(
    path: Path,
    *,
    episodes: tuple[int, ...] = (3, 3),
    output: np.ndarray = OUTPUT,
    target: np.ndarray = TARGET,
    loss: float = 0.5,
    **settings: Any,
) -> Trace:
    """Six steps with known outputs."""
    sizes = make_dimensions(output_size=2)
    events = random_events(np.random.default_rng(0), 6, sizes)
    with recorder_for(path, sizes, **settings) as recorder:
        start = 0
        for number, length in enumerate(episodes):
            at = slice(start, start + length)
            recorder.append(
                window(events, start, start + length),
                episode=number,
                first_step=start,
                output=output[at, None],
                target=target[at, None],
                mask=MASK[at, None],
                loss=np.full((length, 1), loss, np.float32),
            )
            start += length
    return open_trace(path)


def test_wrong_bits_are_counted_where_the_mask_counts(tmp_path: Path) -> None:
    with recorded(tmp_path / "run.h5") as trace:
        assert wrong_counts(trace, 0, 6).tolist() == WRONG
        assert wrong_counts(trace, 2, 4).tolist() == WRONG[2:4]
        flags = wrong_elements(trace, 0, 6)
        assert flags.sum() == sum(w for w in WRONG if w > 0)
        assert not flags[MASK == 0].any()


def test_a_trace_is_counted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with recorded(tmp_path / "run.h5") as trace, recorded(tmp_path / "other.h5", target=1 - TARGET) as other:
        monkeypatch.setattr(errors, "CHUNK_STEPS", 4)
        counts = all_wrong_counts(trace)
        assert counts.tolist() == WRONG
        assert all_wrong_counts(other).tolist() == [2, -1, 0, 1, 2, -1]
        trace.close()
        assert all_wrong_counts(trace) is counts
        with pytest.raises(ValueError, match="read-only"):
            counts[0] = 3


def test_an_unknown_target_is_not_judged_and_an_output_without_a_number_is_wrong(tmp_path: Path) -> None:
    unknown, broken = TARGET.copy(), OUTPUT.copy()
    unknown[2] = np.nan
    broken[0] = np.nan
    with recorded(tmp_path / "run.h5", output=broken, target=unknown, loss=np.nan) as trace:
        assert wrong_counts(trace, 0, 6).tolist() == [2, -1, -1, 1, 0, -1]
        assert [e.loss for e in episode_table(trace)] == [None, None]


def test_classes_are_wrong_at_the_one_that_was_chosen(tmp_path: Path) -> None:
    with recorded(tmp_path / "run.h5", meta={"output_kind": "classes"}) as trace:
        flags = wrong_elements(trace, 0, 6)
        expected = (OUTPUT.argmax(1) != TARGET.argmax(1)) & (MASK == 1)
        np.testing.assert_array_equal(flags.any(1), expected)
        assert (flags.sum(1) <= 1).all()
        assert counted(trace) == "answer"
        assert wrong_counts(trace, 0, 6).tolist() == [0, -1, 0, 1, 0, -1]
        assert [e.wrong for e in episode_table(trace)] == [0, 1]


def test_classes_without_a_number_are_a_wrong_answer_each(tmp_path: Path) -> None:
    broken = OUTPUT.copy()
    broken[0], broken[2] = [np.nan, 1], np.nan
    with recorded(tmp_path / "run.h5", output=broken, meta={"output_kind": "classes"}) as trace:
        assert wrong_counts(trace, 0, 6).tolist() == [1, -1, 1, 1, 0, -1]


def test_what_is_counted_is_bits_unless_the_trace_says_classes(tmp_path: Path) -> None:
    for kind in (None, "bits", 7, ["classes"]):
        with recorded(tmp_path / f"{kind}.h5", meta={"output_kind": kind}) as trace:
            assert counted(trace) == "bit"


def test_episodes_open_at_the_first_wrong_answer_else_the_first_answer(tmp_path: Path) -> None:
    with recorded(tmp_path / "run.h5", episodes=(2, 2, 2)) as trace:
        table = episode_table(trace)
    assert [e.verdict for e in table] == ["right", "wrong", "right"]
    assert [e.landing for e in table] == [0, 2, 4]
    assert [e.wrong for e in table] == [0, 3, 0]
    assert [e.loss for e in table] == pytest.approx([1, 1, 1])
    assert landing_step(table) == 2
    assert landing_step(table[:1]) == 0
    assert landing_step(table[2:]) == 4


def test_each_batch_element_has_its_own_episodes(tmp_path: Path) -> None:
    sizes = make_dimensions(batch=2)
    path = write_trace(tmp_path / "run.h5", random_events(np.random.default_rng(0), 9, sizes), sizes, [4])
    with h5py.File(path, "r+") as file:
        file["episode"][:, 1] = [0, 0, 1, 1, 1, 1, 1, 2, 2]
    with open_trace(path) as trace:
        bounds = [[(e.number, e.start, e.stop) for e in episode_table(trace, batch)] for batch in range(2)]
    assert bounds == [[(0, 0, 4), (1, 4, 9)], [(0, 0, 2), (1, 2, 7), (2, 7, 9)]]


def test_without_outputs_nothing_is_claimed(trace: Trace) -> None:
    table = episode_table(trace)
    assert [(e.start, e.stop) for e in table] == [(0, 40), (40, 60), (60, 90)]
    assert {(e.verdict, e.answers, e.wrong, e.loss) for e in table} == {("no answer", None, None, None)}
    assert landing_step(table) == 0
    assert (wrong_counts(trace, 5, 9) == -1).all()


def test_an_episode_without_scored_steps_has_no_answer() -> None:
    empty = EpisodeSummary(0, 3, 9, None, 0, 0, None, None)
    assert empty.verdict == "no answer"
    assert empty.landing == 3

"""Rows, their files, sizes and tables."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samviz.bench.machine import this_machine
from samviz.bench.ratios import memory_ratios, time_ratios
from samviz.bench.row import BOTH, FORWARD, Report, Row, read_report, rows_json, write_report
from samviz.bench.sizes import bytes_name, parse_size, ratio_name, size_name, time_name
from samviz.bench.table import left_out, tables
from samviz.errors import ConfigError

SAM = Row(bench="speed", model="sam", index="exact", slots=65536, batch=8, phase=BOTH, us_per_step=200.0)
DAM = Row(bench="speed", model="dam", slots=65536, batch=8, phase=BOTH, us_per_step=50_000.0)
rows = st.builds(
    Row,
    bench=st.sampled_from(["speed", "memory", "index"]),
    model=st.sampled_from(["sam", "dnc.SAM"]),
    slots=st.integers(1, 2**28),
    us_per_step=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    bytes=st.none() | st.integers(0, 2**40),
    once=st.none() | st.just({"memory": 128, "ring": 9}),
    left_out=st.sampled_from(["", "too large"]),
)


@given(rows)
def test_a_row_survives_as_plain_values(row: Row) -> None:
    assert Row.from_dict(row.as_dict()) == row


def test_what_does_not_apply_is_not_written() -> None:
    assert SAM.as_dict() == {
        "bench": "speed",
        "model": "sam",
        "index": "exact",
        "slots": 65536,
        "batch": 8,
        "phase": BOTH,
        "us_per_step": 200.0,
    }


def test_a_report_survives_in_a_file_and_may_be_measured_again(tmp_path: Path) -> None:
    path = tmp_path / "docs" / "bench.json"
    report = Report(this_machine(1, "cpu", "reused"), [SAM, DAM])
    for _ in range(2):
        write_report(path, report)
    assert read_report(path) == report


def test_a_printed_list_is_a_file_of_rows(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(rows_json([SAM, DAM]))
    assert read_report(tmp_path / "a.json") == Report(None, [SAM, DAM])


@pytest.mark.parametrize("content", ["hello", "{}", '{"rows": 3}', '[{"bench": "speed"}]', "[3]", "7"])
def test_other_files_are_refused_and_never_replaced(tmp_path: Path, content: str) -> None:
    path = tmp_path / "notes.md"
    path.write_text(content)
    with pytest.raises(ConfigError, match=r"notes\.md: expected"):
        write_report(path, Report(None, [SAM]))
    assert path.read_text() == content


@pytest.mark.parametrize(
    ("text", "size"),
    [("1", 1), ("1000", 1000), ("64k", 65536), ("64K", 65536), (" 1M", 2**20), ("2g", 2**31)],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "k", "0", "-1", "1.5k", "64kk", "many", "1_000", "٣"])
def test_no_sizes(text: str) -> None:
    with pytest.raises(ConfigError, match="expected a size such as"):
        parse_size(text)


@given(st.integers(1, 2**28))
def test_a_size_is_read_as_it_is_named(size: int) -> None:
    assert parse_size(size_name(size).replace(",", "")) == size


def test_names_of_quantities() -> None:
    assert [time_name(value) for value in (0.3, 58.21, 999.7, 2e3, 5.4e6)] == [
        *("0.3 us", "58.2 us", "1 ms", "2 ms", "5.4 s")
    ]
    assert [bytes_name(value) for value in (12, 2048, 1.25 * 2**20, 29 * 2**30)] == [
        *("12 B", "2 KiB", "1.25 MiB", "29 GiB")
    ]
    assert [ratio_name(value) for value in (1.04, 12.34, 1427.3)] == ["1.04×", "12.3×", "1,427×"]


def test_ratios_are_of_both_passes_at_the_same_size() -> None:
    others = [
        replace(SAM, phase=FORWARD, us_per_step=1.0),
        replace(DAM, slots=1024),
        replace(DAM, batch=1),
        replace(DAM, model="lstm"),
        replace(DAM, model="ntm", us_per_step=None, left_out="too large"),
    ]
    (ratio,) = time_ratios([SAM, DAM, *others])
    assert (ratio.model, ratio.index, ratio.against, ratio.ratio) == ("sam", "exact", "dam", 250.0)
    assert (ratio.slots, ratio.batch) == (65536, 8)


def test_ratios_of_memory_above_and_in_all() -> None:
    sparse = Row(bench="memory", model="sdnc", slots=64, steps=10, bytes=100, once={"memory": 100})
    dense = Row(bench="memory", model="dnc", slots=64, steps=10, bytes=3900, once={"memory": 100})
    found = {row.phase: row.ratio for row in memory_ratios([sparse, dense])}
    assert found == {"above": 39.0, "total": 20.0}


def test_a_table_has_aligned_columns_and_ratios_of_its_own() -> None:
    missing = Row(bench="speed", model="ntm", slots=65536, left_out="no model named ntm in this build")
    measured, ratios = tables([SAM, DAM, missing, *time_ratios([SAM, DAM])])
    head, sam, dam = measured.text().splitlines()
    assert head.split()[:4] == ["model", "index", "slots", "batch"]
    assert [line.index("64k") for line in (sam, dam)] == [head.index("slots")] * 2
    assert "200 us" in sam
    assert "50 ms" in dam
    assert "250×" in ratios.text()
    lines = measured.markdown().splitlines()
    assert len({line.count("|") for line in lines}) == 1
    assert set(lines[1]) <= {"|", "-", " "}
    assert left_out([SAM, missing, missing]) == ["no model named ntm in this build"]

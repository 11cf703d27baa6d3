"""traces/README.md is the format: its table is the schema, its five lines give the memory."""

import re
from pathlib import Path

import h5py
import numpy as np
import pytest

from samviz.trace import open_trace
from samviz.trace.schema import DATASETS, FORMAT, INTEGER_ATTRIBUTES, META_BYTES, TEXT_ATTRIBUTES, VERSION
from tests.builders import make_dimensions, random_events, recorder_for, write_trace

DOCUMENT = (Path(__file__).parents[2] / "traces" / "README.md").read_text()


def test_the_table_is_the_schema():
    rows = re.findall(r"^\| `/([\w/]+)` \| ([\w ]+) \| ([\w,]+) \| (\w+) \|", DOCUMENT, re.M)
    schema = [
        (name, " or ".join(code.lstrip("<") for code in row.dtypes), ",".join(map(str, row.axes)), row.need)
        for name, row in DATASETS.items()
    ]
    assert sorted(rows) == sorted(schema)


def test_the_attributes_are_all_described():
    table = DOCUMENT.split("### Attributes")[1].split("###")[0]
    names = [
        name for row in re.findall(r"^\| (`.*?) \|", table, re.M) for name in re.findall(r"`(\w+)`", row)
    ]
    assert sorted(names) == sorted(
        ["format", "version", "access_threshold", *INTEGER_ATTRIBUTES, *TEXT_ATTRIBUTES]
    )
    assert f"`{FORMAT.decode()}`" in table
    assert "{}, {}".format(*VERSION) in table
    assert f"{META_BYTES:,} bytes" in table


def snippet(path: Path, mode: str) -> np.ndarray:
    """The memory by the document's own lines."""
    (code,) = [
        block for block in re.findall(r"```python\n(.*?)```", DOCUMENT, re.S) if "import h5py" in block
    ]
    assert 'h5py.File("run.h5")' in code
    code = code.replace('h5py.File("run.h5")', f"h5py.File({str(path)!r}{mode})")
    scope: dict[str, object] = {}
    exec(code, scope)
    scope["f"].close()
    return scope["M"]


def test_five_lines_of_h5py_give_the_memory_of_a_finished_trace(tmp_path):
    sizes = make_dimensions()
    path = write_trace(tmp_path / "run.h5", random_events(np.random.default_rng(0), 400, sizes), sizes)
    with open_trace(path) as trace:
        np.testing.assert_array_equal(snippet(path, ""), trace.memory(300))


def test_and_of_one_that_is_being_written(tmp_path):
    sizes = make_dimensions()
    events = random_events(np.random.default_rng(0), 1100, sizes)
    with recorder_for(tmp_path / "run.h5", sizes) as recorder:
        recorder.append(events, episode=0)
        live = snippet(tmp_path / "run.h5", ", swmr=True")
    with open_trace(tmp_path / "run.h5") as trace:
        np.testing.assert_array_equal(live, trace.memory(300))


@pytest.mark.parametrize("weights", [None, b"some bytes"])
def test_a_file_is_laid_out_as_the_document_says(tmp_path, weights):
    sizes = make_dimensions(input_size=2, output_size=2, source_size=1)
    recorder_for(tmp_path / "run.h5", sizes, weights=weights).close()
    with h5py.File(tmp_path / "run.h5") as file:
        held = []
        file.visititems(lambda name, item: held.append(name) if isinstance(item, h5py.Dataset) else None)
        assert set(held) <= set(DATASETS)
        for name in held:
            row, dataset = DATASETS[name], file[name]
            assert dataset.dtype == np.dtype(row.dtypes[0])
            assert dataset.fletcher32 == (name not in ("n_steps", "status"))
            assert dataset.compression is None
            if row.per_step:
                assert dataset.maxshape[0] is None
                assert dataset.chunks == (16 if name == "write/row" else 64, *dataset.shape[1:])
        for name in file.attrs:
            kind = file.attrs.get_id(name).get_type()
            assert not (isinstance(kind, h5py.h5t.TypeStringID) and kind.is_variable_str()), name

"""No version but the first is known, so a version 0 is made up: it calls /io/loss /io/cost, in nats."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from samviz.errors import TraceError
from samviz.rewrite import migrate, migrating
from samviz.rewrite.plan import Piece, Plan, plan_of, whole
from samviz.trace import open_trace
from samviz.trace.checks import Header
from samviz.trace.schema import DATASETS, INTEGER_ATTRIBUTES
from tests.rewrite.builders import contents, files_in


def from_version_0(file: h5py.File, path: Path) -> Plan:
    text = {name: file.attrs[name].decode() for name in ("uuid", "created", "meta")}
    sizes = {name: int(file.attrs[name]) for name in INTEGER_ATTRIBUTES}
    header = Header(
        version=(1, 0), access_threshold=float(file.attrs["access_threshold"]), sizes=sizes, **text
    )
    pieces = {
        name: whole(file[name]) for name in DATASETS if name in file and name not in ("n_steps", "status")
    }
    pieces["io/loss"] = Piece(file["io/cost"], 0, len(file["io/cost"]), lambda nats: nats / np.log(2))
    return plan_of(header, int(file["n_steps"][0]), int(file["status"][0]), pieces)


def make_old(path: Path) -> None:
    """Make a trace one of version 0."""
    with h5py.File(path, "r+") as file:
        file.attrs["version"] = np.array([0, 3], "<u2")
        file["io/cost"] = file["io/loss"][:] * np.float32(np.log(2))
        del file["io/loss"]


@pytest.fixture
def old_path(trace_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setitem(migrating.MIGRATIONS, 0, from_version_0)
    make_old(trace_path)
    return trace_path


def test_an_older_trace_is_written_anew(old_path, tmp_path):
    before = old_path.read_bytes()
    with pytest.raises(TraceError, match="migrate it: samviz migrate"):
        open_trace(old_path)
    with h5py.File(old_path) as file:
        cost, slot, uuid = file["io/cost"][:], file["read/slot"][:], file.attrs["uuid"].decode()
    result = migrate(old_path, tmp_path / "new.h5")
    assert result.steps == 90
    assert old_path.read_bytes() == before
    with open_trace(tmp_path / "new.h5") as trace:
        assert (trace.version, trace.uuid, trace.status) == ((1, 0), uuid, "complete")
        np.testing.assert_array_equal(trace["io/loss"][:], (cost / np.log(2)).astype("f4"))
        np.testing.assert_array_equal(trace["read/slot"][:], slot)
    assert (
        len(contents(tmp_path / "new.h5")) == len(DATASETS) - 2 - 7 - 1 - 2
    )  # no links, training, controller


def test_never_in_its_own_place(old_path):
    before = files_in(old_path.parent)
    with pytest.raises(TraceError, match="found the trace itself"):
        migrate(old_path, old_path, overwrite=True)
    assert files_in(old_path.parent) == before


def test_a_file_that_is_not_what_its_version_says(old_path, tmp_path):
    with h5py.File(old_path, "r+") as file:
        del file["io/cost"]
    with pytest.raises(TraceError, match=r"cannot be read as a trace .*cost"):
        migrate(old_path, tmp_path / "new.h5")
    assert set(files_in(tmp_path)) == {"run.h5"}


def test_the_present_version(trace_path, tmp_path):
    with pytest.raises(TraceError, match=r"is of version 1\.0, the present one: there is nothing to migrate"):
        migrate(trace_path, tmp_path / "new.h5")


@pytest.mark.parametrize(
    ("version", "says"),
    [
        (np.array([2, 1], "u2"), r"found 2\.1; install a newer samviz"),
        (np.array([0, 1], "u2"), r"of version 0\.1, from which no migration is known"),
        (np.array([0.5, 1]), "expected those of a trace"),
        (np.uint8(0), "expected those of a trace"),
        ("0.1", "expected those of a trace"),
    ],
)
def test_versions_that_cannot_be_migrated(trace_path, tmp_path, version, says):
    with h5py.File(trace_path, "r+") as file:
        file.attrs["version"] = version
    with pytest.raises(TraceError, match=says):
        migrate(trace_path, tmp_path / "new.h5")
    assert set(files_in(tmp_path)) == {"run.h5"}


@pytest.mark.parametrize("format", [b"netcdf", b"samviz-trace but longer", "variable", 3])
def test_other_files(trace_path, tmp_path, format):
    with h5py.File(trace_path, "r+") as file:
        file.attrs["format"] = np.bytes_(format) if isinstance(format, bytes) else format
    with pytest.raises(TraceError, match="expected those of a trace, found others; open a file that samviz"):
        migrate(trace_path, tmp_path / "new.h5")


def test_no_hdf5_at_all(tmp_path):
    (tmp_path / "run.h5").write_bytes(b"text")
    with pytest.raises(TraceError, match="expected an HDF5 file"):
        migrate(tmp_path / "run.h5", tmp_path / "new.h5")

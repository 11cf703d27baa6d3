"""Where a new trace may be made, and from what: every command refuses alike."""

import os
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from samviz.errors import TraceError
from samviz.rewrite import merge, migrate, migrating, packing, repack, repair, slice_trace
from samviz.trace import open_trace
from samviz.writer_lock import WriterLock, lock_path
from tests.builders import make_dimensions, random_arrays, recorder_for
from tests.rewrite.builders import contents, files_in, make_trace
from tests.rewrite.test_migrating import from_version_0, make_old

COMMANDS = {
    "repack": repack,
    "repair": repair,
    "slice": lambda path, new, **more: slice_trace(path, new, steps=(1, 9), **more),
    "merge": lambda path, new, **more: merge(new, [path, path], **more),
    "migrate": migrate,
}
FINISHED = [name for name in COMMANDS if name not in ("repair", "migrate")]


@pytest.fixture(params=COMMANDS)
def command(request):
    return COMMANDS[request.param]


@pytest.fixture
def path(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A trace that the command would take: to repair with a step too many, to migrate of an old version."""
    path = make_trace(tmp_path / "run.h5", [12])
    if "repair" in request.node.callspec.id:
        with h5py.File(path, "r+") as file:
            file["n_steps"][0] = 13
    if "migrate" in request.node.callspec.id:
        monkeypatch.setitem(migrating.MIGRATIONS, 0, from_version_0)
        make_old(path)
    return path


def refused(path: Path, command, new: Path, **more) -> str:
    """The refusal: one line, and every file is as it was."""
    before = files_in(path.parent)
    with pytest.raises(TraceError) as caught:
        command(path, new, **more)
    assert files_in(path.parent) == before
    assert str(caught.value).isprintable()
    return str(caught.value)


def test_a_name_that_is_taken(path, command):
    new = path.with_name("new.h5")
    new.write_text("mine")
    assert "expected a new file, found one that exists; choose another name or add" in refused(
        path, command, new
    )
    command(path, new, overwrite=True)
    open_trace(new).close()
    assert not path.with_name("new.h5.lock").exists()


def test_a_link_that_leads_nowhere_is_taken_too(path, command):
    new = path.with_name("new.h5")
    new.symlink_to("nowhere")
    with pytest.raises(TraceError, match="found a link that leads nowhere"):
        command(path, new)
    assert new.is_symlink()


@pytest.mark.parametrize("way", ["name", "dots", "link", "hard link"])
def test_the_trace_itself(path, command, way):
    new = path
    if way == "dots":
        new = path.parent / ".." / path.parent.name / path.name
    if way.endswith("link"):
        new = path.with_name("other.h5")
        new.symlink_to(path) if way == "link" else os.link(path, new)
    assert "found the trace itself" in refused(path, command, new, overwrite=True)


@pytest.mark.parametrize("ending", [".part", ".lock"])
@pytest.mark.parametrize("way", ["name", "hard link"])
def test_a_trace_that_bears_the_name_under_which_the_new_one_is_made(path, command, ending, way):
    aside = path.with_name("new.h5" + ending)
    if way == "name":
        path.rename(aside)
    else:
        os.link(path, aside)
    source = aside if way == "name" else path
    lock_path(
        path.with_name("new.h5")
    ).touch()  # as if a writer had died there: what it left would be cleared
    said = refused(source, command, path.with_name("new.h5"), overwrite=True)
    assert f"another name than {source}, under which the new file would be made; rename the trace" in said


def test_a_lock_that_is_somebodys_file(path, command):
    path.with_name("poetry.lock").write_text("versions")
    said = refused(path, command, path.with_name("poetry"))
    assert (
        "poetry.lock: expected no such file or the empty one of a writer, found another; move it away" in said
    )


def test_places_that_are_none(path, command, tmp_path_factory):
    folder = tmp_path_factory.mktemp("folder")
    assert "found a folder" in refused(path, command, folder)
    os.mkfifo(folder / "fifo")
    assert "found a device or FIFO" in refused(path, command, folder / "fifo", overwrite=True)
    said = refused(path, command, path / "deep" / "new.h5")
    assert f"expected a folder to put it in, found that {path} is none; choose another" in said


@pytest.mark.parametrize(
    ("name", "why"),
    [("n" * 300, "File name too long"), ("n" * 252, "File name too long"), ("a\0b", "null byte")],
)
def test_names_that_no_file_can_have(path, command, name, why):
    said = refused(path, command, path.with_name("x").parent / name)
    assert "cannot be created (" in said
    assert why in said
    assert said.endswith("choose another name")


@pytest.mark.parametrize("name", ["n" * 300, "n" * 252, "a\0b", "/"])
def test_names_that_no_trace_can_have(command, tmp_path, name):
    with pytest.raises(TraceError) as caught:
        command(tmp_path / name, tmp_path / "new.h5")
    assert str(caught.value).isprintable()
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_written_through(path, command):
    """The lock, what is built and what is replaced lie together: beside the file that the link leads to."""
    folder = path.with_name("folder")
    folder.mkdir()
    (folder / "real.h5").write_text("old")
    link = path.with_name("link.h5")
    link.symlink_to(folder / "real.h5")
    seen = set()
    command(
        path, link, overwrite=True, report=lambda *_: seen.update(found.name for found in folder.iterdir())
    )
    assert seen == {"real.h5", "real.h5.lock", "real.h5.part"}
    assert link.is_symlink()
    assert set(files_in(folder)) == {"real.h5"}
    open_trace(folder / "real.h5").close()
    folder.rename(path.with_name("elsewhere"))
    assert "found a link that leads nowhere" in str(_error(command, path, link, overwrite=True))


def _error(command, *arguments, **more) -> TraceError:
    with pytest.raises(TraceError) as caught:
        command(*arguments, **more)
    return caught.value


def test_a_file_that_comes_meanwhile_stays(path, command):
    new = path.with_name("new.h5")
    error = _error(command, path, new, report=lambda *_: new.write_text("mine"))
    assert "expected a new file, found one that exists" in str(error)
    assert new.read_text() == "mine"
    assert set(files_in(path.parent)) == {"run.h5", "new.h5"}


def test_a_folder_is_made_where_there_is_none(path, command):
    command(path, path.parent / "deep" / "er" / "new.h5")
    open_trace(path.parent / "deep" / "er" / "new.h5").close()


def test_what_lies_where_it_is_built(path, command):
    """What a killed command left goes, what somebody else put there does not."""
    part = path.with_name("new.h5.part")
    for download in (b"something", path.read_bytes()[:1000]):
        part.write_bytes(download)
        said = refused(path, command, path.with_name("new.h5"))
        assert "new.h5.part: expected no such file or what a killed process left, found another" in said
    lock_path(path.with_name("new.h5")).touch()
    command(path, path.with_name("new.h5"))
    assert set(files_in(path.parent)) == {"run.h5", "new.h5"}


def test_a_name_that_is_being_recorded(path, command, tmp_path_factory):
    new = tmp_path_factory.mktemp("live") / "new.h5"
    lock = WriterLock(new)
    assert "found one that is being written; wait" in refused(path, command, new, overwrite=True)
    lock.release()
    command(path, new)


def test_a_trace_that_is_being_recorded(path, command):
    lock = WriterLock(path)
    with pytest.raises(TraceError, match=r"run\.h5: is being recorded; wait until that has ended"):
        command(path, path.with_name("new.h5"))
    lock.release()
    command(path, path.with_name("new.h5"))


def test_in_place_while_it_is_being_recorded(tmp_path):
    path = make_trace(tmp_path / "run.h5", [12])
    lock = WriterLock(path)
    assert "is being recorded" in refused(path, repack, None)
    lock.release()
    repack(path)
    assert set(files_in(tmp_path)) == {"run.h5"}


@pytest.mark.parametrize("moment", ["before the lock", "while it packs"])
def test_in_place_of_a_trace_that_became_another(tmp_path, monkeypatch, moment):
    path, other = make_trace(tmp_path / "run.h5", [12]), make_trace(tmp_path / "other.h5", [5])
    expected = contents(other)

    def exchange(*_):
        if other.exists():
            other.replace(path)

    if moment == "before the lock":
        take = packing.new_file
        monkeypatch.setattr(packing, "new_file", lambda *given, **more: (exchange(), take(*given, **more))[1])
    error = _error(repack, path, report=exchange)
    assert "run.h5: became another trace while it was read; try again" in str(error)
    assert contents(path) == expected
    assert set(files_in(tmp_path)) == {"run.h5"}


@pytest.mark.parametrize("name", FINISHED)
def test_a_trace_that_opens_with_a_warning(tmp_path, name):
    """The steps that it does not show would be lost."""
    path = make_trace(tmp_path / "run.h5", [40])
    with h5py.File(path, "r+") as file:
        file["n_steps"][0] = 30
    said = refused(path, COMMANDS[name], tmp_path / "new.h5")
    assert "counts 30 steps, but a finished recording holds 40" in said
    assert said.endswith(f"or save what is there: samviz repair {path} NEW")


@pytest.mark.parametrize("name", FINISHED)
def test_a_trace_whose_writer_was_killed(tmp_path, name):
    path, dimensions = tmp_path / "run.h5", make_dimensions()
    arrays = SimpleNamespace(**random_arrays(np.random.default_rng(0), 1024, dimensions))
    with recorder_for(tmp_path / "live.h5", dimensions) as recorder:
        recorder.append(arrays, episode=0)
        path.write_bytes((tmp_path / "live.h5").read_bytes())
    said = refused(path, COMMANDS[name], tmp_path / "new.h5")
    assert (
        f"found one whose writer was killed; first make a whole trace of it: samviz repair {path} NEW" in said
    )


def test_no_trace_there(command, tmp_path):
    with pytest.raises(TraceError, match="found No such file"):
        command(tmp_path / "none.h5", tmp_path / "new.h5")
    (tmp_path / "text.h5").write_text("text")
    assert "expected an HDF5 file" in refused(tmp_path / "text.h5", command, tmp_path / "new.h5")


def test_a_folder_that_may_not_be_written_to(path, command, tmp_path_factory, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(TraceError, match=r"cannot be created \(Permission denied\); choose a folder"):
        command(path, tmp_path_factory.mktemp("shut") / "new.h5")


def test_an_interrupted_command_leaves_nothing(path, command):
    """Whatever `report` raises ends the work, while it reads, writes or compares."""
    told = []
    command(path, path.with_name("done.h5"), report=lambda *done: told.append(done))
    path.with_name("done.h5").unlink()
    assert len(told) > 10
    for moment in {0, len(told) // 3, len(told) // 2, len(told) - 1}:
        left = iter(range(moment, -1, -1))

        def interrupt(done, total, left=left):
            if next(left) == 0:
                raise KeyboardInterrupt

        before = files_in(path.parent)
        with pytest.raises(KeyboardInterrupt):
            command(path, path.with_name("new.h5"), report=interrupt)
        assert files_in(path.parent) == before


def test_room_is_asked_for_before_anything_is_written(path, command, monkeypatch):
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_bavail=66, f_frsize=1000))
    said = refused(path, command, path.with_name("new.h5"))
    assert "new.h5: cannot be written: expected room for " in said
    assert "found that the disk is full, 66,000 bytes are left; free some space" in said


def test_the_old_file_is_there_until_the_new_one_is(tmp_path):
    """With --overwrite, too: what is written before the rename goes to another file."""
    path, new = make_trace(tmp_path / "run.h5", [12]), make_trace(tmp_path / "new.h5", [3])
    before = contents(new)
    repack(path, new, overwrite=True, report=lambda *_: None if contents(new) == before else 1 / 0)
    assert contents(new) == contents(path)

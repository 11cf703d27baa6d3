"""Only what is listed can be opened."""

from pathlib import Path

import pytest

from samviz.app.folder import folder, listed, named


def test_where_the_traces_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SAMVIZ_TRACES", raising=False)
    assert folder([]) == Path("traces")
    monkeypatch.setenv("SAMVIZ_TRACES", "/elsewhere")
    assert folder([]) == Path("/elsewhere")
    assert folder(["--traces", "/named"]) == Path("/named")
    assert folder(["--traces=/named"]) == Path("/named")


def test_files_outside_the_folder_are_not_listed(tmp_path: Path) -> None:
    inside = tmp_path / "traces"
    inside.mkdir()
    (tmp_path / "secret.h5").write_bytes(b"x")
    (inside / "good.h5").write_bytes(b"x")
    (inside / "notes.txt").write_bytes(b"x")
    (inside / "folder.h5").mkdir()
    (inside / "way-out.h5").symlink_to(tmp_path / "secret.h5")
    (inside / "alias.h5").symlink_to(inside / "good.h5")
    assert [file.name for file in listed(inside)] == ["alias.h5", "good.h5"]


def test_a_name_that_is_not_listed_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "good.h5").write_bytes(b"x")
    files = listed(tmp_path)
    assert named(files, "good.h5") == files[0]
    for name in (None, "", "bad.h5", "../good.h5", str(tmp_path / "good.h5"), "good.h5\0"):
        assert named(files, name) is None


def test_a_missing_folder_lists_nothing(tmp_path: Path) -> None:
    assert listed(tmp_path / "nowhere") == ()

"""The pages' own logic, without a browser."""

from pathlib import Path

import h5py
import pytest
from streamlit.testing.v1 import AppTest

from tests.app.traces import write_recall

MAIN = str(Path(__file__).parents[2] / "samviz" / "app" / "main.py")
WAIT_S = 30


def run(page: str, traces: Path, monkeypatch: pytest.MonkeyPatch, **params: str) -> AppTest:
    """A page of the app over a folder of traces."""
    monkeypatch.setenv("SAMVIZ_TRACES", str(traces))
    monkeypatch.setattr("sys.argv", ["streamlit"])
    test = AppTest.from_file(MAIN, default_timeout=WAIT_S)
    for name, value in params.items():
        test.query_params[name] = value
    test.run()
    if page != "home":
        test.switch_page(f"views/{page}.py").run()
    assert not test.exception
    return test


def said(test: AppTest) -> str:
    """Everything the page says in words."""
    return "\n".join([e.value for e in [*test.subheader, *test.text, *test.code, *test.info]])


@pytest.mark.parametrize("page", ["home", "replay"])
def test_an_empty_folder_says_how_to_record(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = said(run(page, tmp_path, monkeypatch))
    assert "There is no .h5 file in this folder" in words
    assert str(tmp_path) in words
    assert "samviz record --task recall" in words


@pytest.mark.parametrize("page", ["home", "replay"])
def test_a_missing_folder_is_named(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = said(run(page, tmp_path / "nowhere", monkeypatch))
    assert "This folder does not exist" in words
    assert str(tmp_path / "nowhere") in words


def test_a_file_that_is_no_trace_is_said_to_be_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = said(run("replay", folder, monkeypatch, trace="broken.h5"))
    assert "broken.h5" in words
    assert "expected an HDF5 file" in words


def test_replay_selects_the_first_wrong_answer(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    test = run("replay", folder, monkeypatch, trace="first.h5")
    assert test.session_state["samviz"].selection.t == 29


@pytest.mark.parametrize(
    ("given", "t", "slot"),
    [({"t": "7", "slot": "3"}, 7, 3), ({"t": "99999"}, 59, None), ({"t": "-4", "slot": "x"}, 29, None)],
)
def test_the_url_is_repaired(
    given: dict[str, str], t: int, slot: int | None, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    test = run("replay", folder, monkeypatch, trace="first.h5", **given)
    selection = test.session_state["samviz"].selection
    assert (selection.trace, selection.t, selection.slot) == ("first.h5", t, slot)
    assert test.query_params["t"] == str(t)


def test_a_trace_that_is_not_listed_is_not_opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    test = run("replay", folder, monkeypatch, trace="../first.h5")
    assert test.session_state["samviz"].selection.trace == "first.h5"


@pytest.mark.parametrize(
    "damaged", ["read/slot", "read/weight", "write/row", "usage/read", "gate/beta", "io/loss"]
)
def test_a_damaged_trace_is_named_and_nothing_of_it_is_shown(
    damaged: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_recall(tmp_path / "damaged.h5")
    with h5py.File(path) as file:
        place = file[damaged].id.get_chunk_info(0).byte_offset
    with path.open("r+b") as file:
        file.seek(place)
        byte = file.read(1)
        file.seek(place)
        file.write(bytes([byte[0] ^ 0xFF]))
    run("home", tmp_path, monkeypatch)
    words = said(run("replay", tmp_path, monkeypatch, trace="damaged.h5"))
    assert "damaged.h5" in words
    assert f"/{damaged}" in words
    assert "checksum" in words

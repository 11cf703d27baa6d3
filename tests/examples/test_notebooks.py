"""The notebooks of examples/ run, offline, and are committed with outputs that are fit to be shown."""

from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient.exceptions import CellExecutionError

from tests.builders import make_dimensions, random_events, recorder_for
from tests.examples.notebooks import NOTEBOOKS, execute

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def outputs_of(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


@pytest.fixture
def small_trace(tmp_path: Path) -> Path:
    """A trace of random accesses that tells of inputs and answers, but not where they come from."""
    sizes = make_dimensions(input_size=2, output_size=2)
    rng = np.random.default_rng(0)
    with recorder_for(tmp_path / "random.h5", sizes) as recorder:
        for episode in range(3):
            io = {name: rng.random((30, 1, 2)) for name in ("input", "output", "target")}
            events = random_events(rng, 30, sizes)
            recorder.append(events, episode=episode, first_step=30 * episode, loss=rng.random((30, 1)), **io)
    return tmp_path / "random.h5"


def test_a_failing_cell_fails(tmp_path: Path) -> None:
    cells = [nbformat.v4.new_code_cell("1 / 0")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "wrong.ipynb")
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        execute(tmp_path / "wrong.ipynb", tmp_path / "kernel")


def test_there_are_notebooks() -> None:
    assert [path.name for path in NOTEBOOKS] == ["read_a_trace.ipynb"]


@each_notebook
def test_a_notebook_runs_on_a_trace_of_ones_own(path: Path, small_trace: Path, tmp_path: Path) -> None:
    notebook = execute(path, tmp_path / "kernel", small_trace)
    assert "random.h5" in outputs_of(notebook)[0].data["text/plain"]


@each_notebook
def test_a_notebook_makes_its_own_trace_and_gives_the_answers_it_shows(path: Path, tmp_path: Path) -> None:
    shown = outputs_of(nbformat.read(path, as_version=4))
    fresh = outputs_of(execute(path, tmp_path))
    assert len(fresh) == len(shown)
    assert fresh[-1].data["text/plain"] == shown[-1].data["text/plain"]


@each_notebook
def test_the_outputs_shown_are_short_and_say_nothing_of_the_machine(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == [*range(1, len(code) + 1)]
    assert all(cell.metadata == {} for cell in notebook.cells)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    for output in outputs_of(notebook):
        assert output.output_type in ("stream", "execute_result")
        assert output.get("name") != "stderr"
        text = output.get("text") or output.data["text/plain"]
        assert len(text.splitlines()) <= 20
    for word in ("/tmp", "/home", "/root", "/work", "/Users", "tmp_path"):
        assert word not in path.read_text()

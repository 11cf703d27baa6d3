"""Run the notebooks of examples/ in this interpreter.

As a command (`python -m tests.examples.notebooks`) renew the outputs that they are committed with.
"""

import json
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbformat import NotebookNode

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))
KERNEL = "this-interpreter"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def execute(path: Path, folder: Path, trace: Path | None = None) -> NotebookNode:
    """The notebook with fresh outputs; the kernel keeps its files in `folder` and knows no other kernelspec.

    Raises CellExecutionError where a cell fails.
    """
    notebook = nbformat.read(path, as_version=4)
    environment = {name: value for name, value in os.environ.items() if name != "SAMVIZ_TRACE"}
    environment |= {"PYTHONPATH": str(ROOT), "IPYTHONDIR": str(folder / "ipython")}
    if trace is not None:
        environment["SAMVIZ_TRACE"] = str(trace)
    client = NotebookClient(notebook, km=_manager(folder), timeout=300)
    client.execute(cleanup_kc=True, cwd=str(folder), env=environment)
    return notebook


def _manager(folder: Path) -> AsyncKernelManager:
    spec = folder / "kernels" / KERNEL / "kernel.json"
    spec.parent.mkdir(parents=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec.write_text(json.dumps({"argv": command, "display_name": KERNEL, "language": "python"}))
    specs = KernelSpecManager(kernel_dirs=[str(folder / "kernels")], ensure_native_kernel=False)
    return AsyncKernelManager(
        kernel_name=KERNEL, kernel_spec_manager=specs, connection_file=str(folder / "connection.json")
    )


def renew(path: Path) -> None:
    """Write the notebook with the outputs of a fresh run, and nothing about the machine that ran it."""
    with TemporaryDirectory() as folder:
        notebook = execute(path, Path(folder))
    notebook.metadata = METADATA
    for cell in notebook.cells:
        cell.metadata = {}
    nbformat.validate(notebook)
    nbformat.write(notebook, path)


if __name__ == "__main__":
    for notebook_path in NOTEBOOKS:
        renew(notebook_path)

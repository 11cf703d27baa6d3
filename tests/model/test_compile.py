"""The first use of a model compiles its kernels, whatever that use is."""

from pathlib import Path

import pytest
import torch

from samviz.model import compile as compiling


@pytest.mark.parametrize("without_gradients", [torch.no_grad, torch.inference_mode])
def test_kernels_compile_where_gradients_are_off(
    without_gradients: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiling, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(compiling, "_begun", set())
    with without_gradients():
        compiling.ensure_compiled()
    assert (tmp_path / "ready-float32").exists()

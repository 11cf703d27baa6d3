"""A run among the shipped models: its weights, its recipe, its error, and the command that made it."""

import json
from pathlib import Path

import pytest

from samviz.checkpoint import load_checkpoint
from samviz.session import SHIPPED, TrainingRun
from samviz.study import ship
from samviz.training import TrainingConfig

CONFIG = TrainingConfig(
    task="sort",
    task_settings={"min_items": 2, "max_items": 3},
    model="sdnc",
    model_settings={"slots": 16},
    half_life=50,
    seed=3,
)


def test_a_run_is_shipped_with_what_it_makes_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ship, "EPISODES", 5)
    run = TrainingRun(config=CONFIG, out=tmp_path / "run", steps=4)
    run.train(run.open())
    folder = ship.ship(run.out, tmp_path / "shipped")
    assert folder.name == "sort-sdnc"
    shipped = load_checkpoint(folder)
    assert shipped.sha256 == load_checkpoint(run.out).sha256
    measured = shipped.recipe["measured"]
    assert measured["episodes"] == 5
    story = (folder / "README.md").read_text()
    assert f"{measured['wrong_bits']:.3f} wrong bits" in story
    assert (
        "samviz train --task sort --model sdnc --min-items 2 --max-items 3 --slots 16 --half-life 50 "
        "--seed 3 --steps 4 --out runs/sort-sdnc" in story
    )
    (row,) = ship.measure(tmp_path / "shipped")
    assert row.wrong == pytest.approx(measured["wrong_bits"])
    assert "| SDNC, sort |" in ship.sections([row])["shipped"]


@pytest.mark.parametrize("folder", sorted(SHIPPED.iterdir()), ids=lambda folder: folder.name)
def test_every_shipped_model_tells_its_error_and_how_it_was_made(folder: Path) -> None:
    recipe = json.loads((folder / "config.json").read_text())
    story = (folder / "README.md").read_text()
    assert recipe["measured"]["episodes"] == 1000
    assert f"{recipe['measured']['wrong_bits']:.3f} wrong bits" in story
    assert f"samviz train --task {recipe['task']['name']}" in story
    assert recipe["measured"]["command"] in story

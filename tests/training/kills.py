"""Kill a training run again and again: python -m tests.training.kills --kills 20.

Each time it is resumed; at the end its loss curve must be that of an unbroken run, step by step.
"""

import argparse
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from samviz.checkpoint import latest
from samviz.training import METRICS

TRAIN = (sys.executable, "-m", "samviz.cli", "train", "--task", "recall", "--model", "sdnc", "--slots", "32")
CURRICULUM = ("--curriculum", "100", "--max-level", "24", "--half-life", "500")


def killed_run(folder: Path, kills: int, steps: int, seed: int) -> dict[str, object]:
    """Train twice, once with kills at random moments; what came of it."""
    command = [*TRAIN, *CURRICULUM, "--steps", str(steps), "--checkpoint-every", "50"]
    whole, broken = folder / "whole", folder / "broken"
    _seconds([sys.executable, "-m", "samviz.cli", "compile"])  # or the start would seem to take a minute
    start = _seconds([*TRAIN, "--steps", "1", "--out", str(folder / "start")])
    whole_seconds = _seconds([*command, "--out", str(whole)])
    chance, done, landed = random.Random(seed), 0, []
    while done < kills:
        left = (steps - _step(broken)) / steps * whole_seconds / (2 * (kills - done))
        resume = ["--resume"] if latest(broken) else []
        process = subprocess.Popen([*command, "--out", str(broken), *resume], stdout=subprocess.DEVNULL)
        try:
            process.wait(timeout=chance.uniform(0, 2 * start + left))
            if process.returncode == 0:
                break  # it came to its end before it could be killed
            raise SystemExit(f"the run ended with exit code {process.returncode} after {done} kills")
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            done += 1
            landed.append(latest(broken).name if latest(broken) else "before the first checkpoint")
    resume = ["--resume"] if latest(broken) else []
    subprocess.run([*command, "--out", str(broken), *resume], check=True, stdout=subprocess.DEVNULL)
    rows = [
        [json.loads(line) for line in (run / METRICS).read_text().splitlines()] for run in (whole, broken)
    ]
    weights = [(latest(run) / "model.safetensors").read_bytes() for run in (whole, broken)]
    return {
        "kills": done,
        "steps": [len(found) for found in rows],
        "different_steps": sum(a != b for a, b in zip(*rows, strict=True)),
        "same_weights": weights[0] == weights[1],
        "found_at": landed,
    }


def _step(run: Path) -> int:
    """Of the latest checkpoint."""
    folder = latest(run)
    return 0 if folder is None else int(folder.name.removeprefix("step-"))


def _seconds(command: list[str]) -> float:
    began = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


def main() -> None:
    """Run it and print what came of it; exit with 1 where the runs differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="samviz-kills-"))
    try:
        found = killed_run(folder, asked.kills, asked.steps, asked.seed)
    finally:
        shutil.rmtree(folder)
    print(json.dumps(found, indent=2))
    sys.exit(found["different_steps"] != 0 or not found["same_weights"] or found["kills"] < asked.kills)


if __name__ == "__main__":
    main()

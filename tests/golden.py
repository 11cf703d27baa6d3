"""Make the golden traces of the format version that is written now: once for each version, never again.

    python -m tests.golden

One file holds every dataset that samviz writes: an SDNC's, cut in the middle of an episode, so that it begins
with a memory that holds something. The other is the recording as its writer was killed. Beside each lies what
a reader must find in it, forever.
"""

import hashlib
import json
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np

from samviz import session
from samviz.recorder import Recorder
from samviz.rewrite import slice_trace
from samviz.trace import Trace, open_trace
from samviz.trace.schema import VERSION
from tests.builders import fresh_checkpoint

DATA = Path(__file__).parent / "data"
SIZES = {"slots": 12, "word_size": 4, "heads": 2, "reads": 2, "links": 3, "hidden_size": 6}
ITEMS, EPISODES, FIRST = 6, 6, 5


def expectations(trace: Trace) -> dict[str, object]:
    """What a reader must find, as JSON: attributes, episodes, digests of all columns and of the memory."""
    steps = range(len(trace))
    return {
        "version": list(trace.version),
        "uuid": trace.uuid,
        "created": trace.created,
        "status": trace.status,
        "dimensions": trace.dimensions.__dict__,
        "access_threshold": trace.access_threshold,
        "last_write_erases": trace.last_write_erases,
        "meta": dict(trace.meta),
        "episodes": [list(episode) for episode in trace.episodes],
        "columns": {name: digest(trace[name][:]) for name in trace.datasets},
        "memory": digest(np.stack([trace.memory(t) for t in steps])),
        "usage": digest(np.stack([trace.usage(t) for t in steps])),
    }


def digest(array: np.ndarray) -> str:
    """Type, shape and bytes of an array in one line."""
    whole = np.ascontiguousarray(array)
    return f"{whole.dtype.str} {list(whole.shape)} {hashlib.sha256(whole.tobytes()).hexdigest()[:16]}"


def record(folder: Path) -> tuple[Path, Path]:
    """The recording closed, and as it was when its writer might have been killed."""
    checkpoint = fresh_checkpoint(folder / "run", "sdnc", scale=4.0, **SIZES)
    task, model = checkpoint.task(min_items=ITEMS, max_items=ITEMS).held_out(), checkpoint.model()
    meta = session.trace_meta(task, model, 0) | {"git_commit": None, "user": {"note": "Grüße ✓"}}
    closed, killed = folder / "closed.h5", folder / "killed.h5"
    made: Recorder = session.recorder_for(
        model, task, closed, meta=meta, weights=checkpoint.weights, training=True, chunk_steps=16
    )
    with made as recorder:
        for episode in range(EPISODES):
            batch = task.sample(np.random.default_rng([0, episode]), 1)
            session.record_episode(
                recorder, model, batch, task.output_kind, episode, train_step=100 * episode
            )
        recorder.commit()
        shutil.copy(closed, killed)
    return closed, killed


def main() -> None:
    name = "golden-{}.{}".format(*VERSION)
    made = [DATA / f"{name}.h5", DATA / f"{name}-killed.h5"]
    if any(path.exists() for path in made):
        sys.exit(f"{name} is there already, and stays as it is: raise the version first")
    DATA.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        closed, killed = record(Path(folder))
        slice_trace(closed, made[0], steps=(FIRST, None))
        shutil.copy(killed, made[1])
    for path in made:
        with open_trace(path) as trace:
            text = json.dumps(expectations(trace), indent=1, ensure_ascii=False)
        path.with_suffix(".json").write_text(text + "\n", encoding="utf-8")
        print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()

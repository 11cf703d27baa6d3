"""The time of one step, forward and backward, sparse models against dense ones (figure 1a)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from samviz.bench import budget
from samviz.bench.clock import Times, Watch, figures, now, take_turns, timed
from samviz.bench.ratios import time_ratios
from samviz.bench.row import BOTH, FORWARD, Row
from samviz.bench.sizes import size_name
from samviz.bench.subjects import (
    BARE,
    Entry,
    Sizes,
    Subject,
    entries,
    make_subject,
    require_known,
    why_missing,
)
from samviz.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class SpeedPlan:
    """What to time. Windows are shortened to `window_s` seconds and to what fits into the memory.

    Raises:
        ConfigError: a model that nobody knows.
    """

    models: tuple[str, ...]
    slots: tuple[int, ...]
    batches: tuple[int, ...]
    indexes: tuple[str, ...] = ("auto",)
    steps: int = 100
    repeats: int = 5
    window_s: float = 4.0
    max_bytes: float
    clock: str = "cpu"

    def __post_init__(self) -> None:
        require_known(self.models)


class Pass(NamedTuple):
    """One window: its forward part, and all of it."""

    forward: Times
    both: Times


@dataclass
class Contestant:
    """A subject that was set up and warmed, and the length of its windows."""

    entry: Entry
    subject: Subject
    steps: int
    repeats: int
    setup_s: float

    def run(self) -> Pass:
        """Time one window."""
        parts: list[Times] = []

        def work() -> None:
            start = now()
            output = self.subject.forward(self.steps)
            parts.append(now().since(start))
            self.subject.backward(output)

        both = timed(work)
        self.subject.forget_gradients()
        return Pass(parts[0], both)


def measure(plan: SpeedPlan, watch: Watch) -> Iterator[Row]:
    """Two rows for each subject and size, forward and forward+backward, or one that says why it was left out.

    After the subjects of a size come the ratios between them.
    """
    for batch in plan.batches:
        earlier: dict[Entry, Row] = {}  # at fewer slots
        for slots in sorted(plan.slots):
            if watch.stop():
                return
            rows = []
            for entry, row in _measure_size(plan, Sizes(slots, batch), earlier, watch):
                rows.append(row)
                earlier[entry] = row if row.phase == BOTH else earlier.get(entry, row)
                yield row
            yield from time_ratios(rows)


def _measure_size(
    plan: SpeedPlan, sizes: Sizes, earlier: dict[Entry, Row], watch: Watch
) -> Iterator[tuple[Entry, Row]]:
    """All subjects of one size take turns."""
    contestants: list[Contestant] = []
    free = plan.max_bytes
    place = f"{size_name(sizes.slots)} slots, batch {sizes.batch}"
    for entry in entries(plan.models, plan.indexes):
        if watch.stop():
            break
        watch.say(f"{place}: setting up {entry}")
        slow = budget.sure_to_be_slow(entry, sizes.slots, earlier.get(entry))
        found = _left_out(entry, sizes, slow) if slow else _set_up(plan, entry, sizes, free)
        if isinstance(found, Row):
            yield entry, found
        else:
            contestants.append(found)
            free -= _standing(entry, sizes)
    watch.say(f"{place}: timing {', '.join(str(each.entry) for each in contestants)}")
    repeats = [contestant.repeats for contestant in contestants]
    samples = take_turns([contestant.run for contestant in contestants], repeats, watch.stop)
    for contestant, passes in zip(contestants, samples, strict=True):
        if passes:
            for row in _rows(plan, contestant, sizes, passes):
                yield contestant.entry, row


def _set_up(plan: SpeedPlan, entry: Entry, sizes: Sizes, free: float) -> Contestant | Row:
    """A warm contestant, or the row that says why there is none."""
    refusal = why_missing(entry.model)
    window = budget.Window(0, refusal) if refusal else budget.fitting(entry, sizes, plan.steps, free)
    if window.refusal:
        return _left_out(entry, sizes, window.refusal)
    start = now()
    try:
        subject = make_subject(entry, sizes, window.steps)
    except ConfigError as error:  # sizes or an index that this model has not
        return _left_out(entry, sizes, str(error))
    setup_s = now().since(start).wall
    pace = budget.within_time(entry, subject, window.steps, plan.window_s, plan.repeats)
    if pace.refusal:
        return _left_out(entry, sizes, pace.refusal)
    return Contestant(entry, subject, pace.steps, pace.repeats, setup_s)


def _standing(entry: Entry, sizes: Sizes) -> float:
    """Bytes that a contestant keeps between its turns."""
    return 0.0 if entry.model in BARE else budget.need_of(entry, sizes).standing


def _left_out(entry: Entry, sizes: Sizes, reason: str) -> Row:
    return Row(
        bench="speed",
        model=entry.model,
        index=entry.index,
        slots=sizes.slots,
        batch=sizes.batch,
        left_out=reason,
    )


def _rows(plan: SpeedPlan, contestant: Contestant, sizes: Sizes, passes: list[Pass]) -> Iterator[Row]:
    for phase, times in (
        (FORWARD, [each.forward for each in passes]),
        (BOTH, [each.both for each in passes]),
    ):
        yield Row(
            bench="speed",
            model=contestant.entry.model,
            index=contestant.subject.index,
            slots=sizes.slots,
            batch=sizes.batch,
            steps=contestant.steps,
            phase=phase,
            setup_s=contestant.setup_s,
            **figures(times, contestant.steps, plan.clock),
        )

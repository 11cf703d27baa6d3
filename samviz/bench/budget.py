"""How long a window can be: a dense model keeps its whole memory at every step, and that has to fit."""

from functools import partial
from typing import NamedTuple

from samviz.bench.clock import timed
from samviz.bench.row import Row
from samviz.bench.sizes import bytes_name, size_name
from samviz.bench.subjects import BARE, SPARSE, Entry, Sizes, Subject, make_subject
from samviz.bench.tracker import peak_bytes

SMALL, DOUBLE = 256, 512  # slots at which a model's growth is looked at
QUADRATIC = 3.0  # more than this at twice the slots is growth with N^2, of which a part is still linear
SPARE = 1.25  # for what no tensor count sees
SLOW_S, TOO_SLOW_S = 8, 30  # a single step that takes so long is repeated less, or not at all
DEFAULT_SHARE = 0.25  # of the memory that is free: several models stand by, and freed pages are kept


class Need(NamedTuple):
    """Bytes of a model of a certain size: what stays, and what each step of a window adds."""

    standing: float
    step: float


class Window(NamedTuple):
    """How long a window of a model is, or why there can be none."""

    steps: int
    refusal: str = ""


def need_of(entry: Entry, sizes: Sizes) -> Need:
    """What a model of that size will need, judged by what it needs at two small sizes."""
    if entry.model in SPARSE + BARE:
        return Need(sizes.slots * sizes.batch * sizes.word_size * 8.0, 0.0)  # the words, and their copy
    small, double = _need_at(entry, sizes, SMALL), _need_at(entry, sizes, DOUBLE)
    return Need(*(_grown(a, b, sizes.slots) * sizes.batch for a, b in zip(small, double, strict=True)))


def fitting(entry: Entry, sizes: Sizes, steps: int, max_bytes: float) -> Window:
    """The longest window of at most `steps` steps that fits into the memory."""
    need = need_of(entry, sizes)
    room = max_bytes / SPARE - need.standing
    if room < need.step or room < 0:
        return Window(
            0,
            f"{entry} at {size_name(sizes.slots)} slots, batch {sizes.batch} needs "
            f"{bytes_name((need.standing + need.step) * SPARE)} for a single step, "
            f"{bytes_name(max_bytes)} may be used",
        )
    return Window(int(min(steps, room / need.step)) if need.step else steps)


class Pace(NamedTuple):
    """How long a window a model has time for, and how often, or why it has none at all."""

    steps: int
    repeats: int
    refusal: str = ""


def sure_to_be_slow(entry: Entry, slots: int, earlier: Row | None) -> str:
    """Why not even to try: what a step took at fewer slots takes at least as many times more."""
    if earlier is None or not earlier.wall_us_per_step or slots <= earlier.slots:
        return ""
    expected = earlier.wall_us_per_step * 1e-6 * slots / earlier.slots
    if expected <= TOO_SLOW_S or entry.model in SPARSE + BARE:
        return ""
    return f"{entry} would take some {expected:.0f} s or more for a step at {size_name(slots)} slots"


def within_time(entry: Entry, subject: Subject, steps: int, seconds: float, repeats: int) -> Pace:
    """A window that takes about that long, of at least two steps; the subject is warm afterwards.

    A model whose single step already takes long runs single steps, and fewer of them.
    """
    first = timed(lambda: run_window(subject, 1)).wall
    if first > TOO_SLOW_S:
        return Pace(0, 0, f"{entry} takes {first:.0f} s for a step, more than {TOO_SLOW_S} s")
    if first > SLOW_S:
        return Pace(1, min(repeats, 2))
    few = min(steps, 2)
    run_window(subject, few)
    taken = timed(lambda: run_window(subject, few)).wall / few
    steps = max(few, min(steps, int(seconds / max(taken, 1e-9))))
    run_window(subject, steps)  # a whole one, so that no repeat is the first to need its memory
    return Pace(steps, repeats)


def run_window(subject: Subject, steps: int) -> None:
    """Forward, backward, and gradients dropped."""
    subject.backward(subject.forward(steps))
    subject.forget_gradients()


def _need_at(entry: Entry, sizes: Sizes, slots: int) -> Need:
    """Measured with one and with three steps, batch 1."""
    small = sizes._replace(slots=slots, batch=1)
    made: list[Subject] = []
    standing = peak_bytes(lambda: made.append(make_subject(entry, small, 3)))
    (subject,) = made
    one, three = (peak_bytes(partial(run_window, subject, steps)) for steps in (1, 3))
    step = max(0.0, (three - one) / 2)
    return Need(standing + max(0.0, one - step), step)


def _grown(small: float, double: float, slots: int) -> float:
    """Bytes at N from those at two small sizes: linear growth, or with N^2 if it was more."""
    if small and double / small > QUADRATIC:
        return double * (slots / DOUBLE) ** 2
    slope = max(0.0, double - small) / (DOUBLE - SMALL)
    return double + slope * max(0, slots - DOUBLE)

"""All checks of a trace, one after the other."""

from collections.abc import Callable, Iterator
from pathlib import Path

from samviz.trace import Trace
from samviz.verify.equations import equation_checks
from samviz.verify.links import link_check
from samviz.verify.losses import loss_check
from samviz.verify.report import Check, Report
from samviz.verify.rows import row_check
from samviz.verify.structure import start_check, structure_check, weights_check
from samviz.verify.values import total_bytes, value_checks

# (stage, done, total)
Stage = Callable[[str, int, int], None]


def verify(path: str | Path, *, equations: bool = True, report: Stage = lambda *_: None) -> Report:
    """Everything that can be asked of a trace without its model.

    Args:
        equations: whether to compute the model's equations once more; without it only structure, checksums,
            values and the rows of the live model are looked at.
        report: hears how far it is.

    Raises:
        TraceError: the file cannot be opened as a trace at all.
    """
    with Trace(path) as trace:
        return Report.of(str(path), _checks(trace, equations, report))


def _checks(trace: Trace, equations: bool, report: Stage) -> Iterator[Check]:
    yield structure_check(trace)
    values = list(value_checks(trace, _counting(report, "values", total_bytes(trace))))
    yield from values
    yield start_check(trace)
    yield weights_check(trace)
    yield row_check(trace)
    if not equations:
        return
    if any(check.outcome == "failed" for check in values):
        yield Check("equations", "skipped", "values are damaged or out of range: nothing follows from them")
        return
    steps = len(trace) * trace.dimensions.batch
    yield from equation_checks(trace, _counting(report, "equations", steps))
    yield link_check(trace, _counting(report, "links", steps))
    yield loss_check(trace)


def _counting(report: Stage, stage: str, total: int) -> Callable[[int], None]:
    done = 0

    def add(count: int) -> None:
        nonlocal done
        done += count
        report(stage, done, total)

    return add

"""How many steps a trace shows whose recording did not end well: those before a damaged end."""

from collections.abc import Mapping
from pathlib import Path

from samviz.errors import TraceError
from samviz.trace.hdf5.column import Column
from samviz.trace.hdf5.safety import refusal
from samviz.wording import printable


def readable_steps(path: Path, columns: Mapping[str, Column], n_steps: int) -> tuple[int, str | None]:
    """The steps before the damage at the end, and a line on what is missing; all of them and None without.

    Looks at the last chunk of every per-step column and, where one cannot be read, at earlier ones, further
    back each time, then in between. What lies before may be damaged, too: reading it tells.
    Raises TraceError where no chunk can be read.
    """
    fault = told = _fault(path, columns, n_steps)
    if told is None:
        return n_steps, None
    chunk = max(column.chunk_steps for column in columns.values())
    bad = good = n_steps
    back = 0
    while fault is not None:
        bad = good
        good = max(0, (good - 1) // chunk * chunk - back)
        back = max(chunk, 2 * back)
        fault = _fault(path, columns, good)
    while bad - good > chunk:
        middle = (good + bad) // 2 // chunk * chunk or chunk
        if middle <= good:
            break
        good, bad = (middle, bad) if _fault(path, columns, middle) is None else (good, middle)
    if good == 0:
        raise told
    return good, _missing(path, n_steps, good, told)


def left_unread(
    path: Path, columns: Mapping[str, Column], n_steps: int, held: Mapping[str, int]
) -> str | None:
    """A line where a finished trace counts fewer steps than every dataset holds; None where it does not.

    The count has no checksum: this is how a damaged one shows.
    """
    least = min(held[name] for name in columns)
    if least <= n_steps:
        return None
    return printable(
        f"{path}: /n_steps counts {n_steps:,} steps, but a finished recording holds {least:,}; "
        f"the last {least - n_steps:,} are not shown: restore the file from a copy if you miss them"
    )


def _fault(path: Path, columns: Mapping[str, Column], stop: int) -> TraceError | None:
    """Why one of the chunks that hold step stop - 1 cannot be read."""
    if stop == 0:
        return None
    for name, column in columns.items():
        first = (stop - 1) // column.chunk_steps * column.chunk_steps
        try:
            last = column[stop - 1]
            # a disk that lost power leaves zeros, and their checksum is zero: but nobody reads a slot twice
            if name == "read/slot" and last.shape[-1] > 1 and not column[first:stop].any():
                key = f"/{name} steps {first} to {stop - 1}"
                raise refusal(path, key, "slots", "zeros only", "restore it")
        except TraceError as error:
            return error
    return None


def _missing(path: Path, n_steps: int, good: int, why: TraceError) -> str:
    what = str(why).removeprefix(printable(f"{path}: ")).split(";")[0]
    return printable(
        f"{path}: the recording did not end well and its last {n_steps - good:,} of {n_steps:,} steps are "
        f"damaged ({what}); showing the {good:,} before them"
    )

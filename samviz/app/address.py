"""What can be selected, and the URL it is written in. What a URL gets wrong is repaired, never refused."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

FIELDS = ("trace", "t", "slot", "head", "window")


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What the user looks at; `t` is None until it is known where the trace opens."""

    trace: str | None = None
    episode: int | None = None
    t: int | None = None
    window: tuple[int, int] | None = None
    slot: int | None = None
    head: int | None = None


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a trace allows, and where it opens."""

    steps: int
    slots: int
    heads: int
    landing: int


def parse(params: Mapping[str, str]) -> Selection:
    """The selection a URL asks for; what cannot be read counts as not given."""
    return Selection(
        trace=params.get("trace") or None,
        t=whole(params.get("t")),
        slot=whole(params.get("slot")),
        head=whole(params.get("head")),
        window=pair(params.get("window")),
    )


def to_params(selection: Selection) -> dict[str, str]:
    """The URL of a selection: only what is set."""
    window = None if selection.window is None else f"{selection.window[0]}-{selection.window[1]}"
    values = {**asdict(selection), "window": window}
    return {name: str(values[name]) for name in FIELDS if values[name] is not None}


def repaired(selection: Selection, limits: Limits) -> Selection:
    """The nearest selection that the trace allows."""
    t = limits.landing if selection.t is None else selection.t
    return replace(
        selection,
        t=max(0, min(t, limits.steps - 1)),
        slot=within(selection.slot, limits.slots),
        head=within(selection.head, limits.heads),
        window=span(selection.window, limits.steps),
    )


def within(value: int | None, count: int) -> int | None:
    """The value if it is one of 0 to count - 1."""
    return value if value is not None and 0 <= value < count else None


def span(window: tuple[int, int] | None, steps: int) -> tuple[int, int] | None:
    """A zoom that lies in the run and is narrower than it; None shows the whole run."""
    if window is None:
        return None
    start, stop = max(0, window[0]), min(window[1], steps)
    return (start, stop) if 0 < stop - start < steps else None


def whole(text: Any) -> int | None:
    """A non-negative whole number of at most 12 digits, else None."""
    text = str(text) if isinstance(text, str | int) and not isinstance(text, bool) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 12 else None


def pair(text: Any) -> tuple[int, int] | None:
    """`from-to` or [from, to], else None."""
    parts = text.split("-") if isinstance(text, str) else text
    if not isinstance(parts, list | tuple) or len(parts) != 2:
        return None
    start, stop = whole(parts[0]), whole(parts[1])
    return None if start is None or stop is None else (start, stop)

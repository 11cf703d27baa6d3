"""Tables for a markdown page."""

from collections.abc import Sequence
from statistics import median

NOTHING = "–"


def markdown(lines: Sequence[Sequence[str]]) -> str:
    """A table; its first line is the head, its first column text, the rest numbers."""
    width = len(lines[0])
    head = [f"| {' | '.join(lines[0])} |", f"|---|{'---:|' * (width - 1)}"]
    return "\n".join([*head, *(f"| {' | '.join(line)} |" for line in lines[1:])])


def spread_text(values: Sequence[float], form: str = "{:.2f}") -> str:
    """The median, and from the lowest to the highest where there are several."""
    if not values:
        return NOTHING
    middle = form.format(median(values))
    if len(values) == 1:
        return middle
    return f"{middle} ({form.format(min(values))} to {form.format(max(values))})"

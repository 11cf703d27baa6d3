"""A trace in words: the short form a prompt shows, the long one `samviz info` prints."""

import html
from typing import Any

import numpy as np

from samviz.trace.episodes import Episode
from samviz.trace.opened import Opened
from samviz.trace.state import state_of
from samviz.wording import printable

SHOWN_EPISODES = 10


def short(trace: Opened) -> str:
    """Three lines: file, model and task; steps and episodes; sizes."""
    facts = _facts(trace)
    warning = f"\n  {facts['warning']}" if trace.warning else ""
    return (
        f"Trace {trace.path.name}: {facts['model']} on {facts['task']}, {facts['status']}\n"
        f"  {facts['steps']} steps, {facts['episodes']} episodes, batch {facts['batch']}\n"
        f"  {facts['memory']}, {facts['heads']}, {facts['size']}{warning}"
    )


def html_table(trace: Opened) -> str:
    """The same as an HTML table; everything that came from the file is escaped."""
    rows = {"trace": trace.path.name, **_facts(trace)}
    cells = (
        f"<tr><th>{html.escape(name)}</th><td>{html.escape(text)}</td></tr>" for name, text in rows.items()
    )
    return f"<table>{''.join(cells)}</table>"


def describe(trace: Opened) -> str:
    """Everything worth knowing about a trace without looking at single steps, as lines of text."""
    facts = {"trace": str(trace.path), **_facts(trace), **_origin(trace)}
    width = max(map(len, facts))
    lines = [f"{name:<{width}}  {_plain(text)}" for name, text in facts.items()]
    lines += ["", "episode  steps               mean loss (bits)", *_episode_lines(trace)]
    lines += ["", "dataset                 dtype    shape"]
    for name in trace.datasets:
        column = trace[name]
        lines.append(f"{name:<22}  {column.dtype.name:<7}  {' x '.join(map(str, column.shape))}")
    return "\n".join(lines)


def mean_loss(trace: Opened, episode: Episode) -> float | None:
    """Mean loss in bits over the episode's counted steps (mask 1, loss known); None where there are none."""
    if "io/loss" not in trace:
        return None
    loss = trace["io/loss"][episode.start : episode.stop, 0]
    counted = np.isfinite(loss)
    if "io/mask" in trace:
        counted &= trace["io/mask"][episode.start : episode.stop, 0] == 1
    return float(loss[counted].mean()) if counted.any() else None


def _facts(trace: Opened) -> dict[str, str]:
    sizes = trace.dimensions
    return {
        "model": _named(trace.meta.get("model"), "class", "a model"),
        "task": _named(trace.meta.get("task"), "name", "no named task"),
        "status": state_of(trace.status, trace.path),
        "steps": f"{len(trace):,}",
        "episodes": f"{len(trace.episodes):,}",
        "batch": str(sizes.batch),
        "memory": f"{sizes.slots:,} slots x {sizes.word_size}",
        "heads": f"{sizes.heads} heads x {sizes.reads} reads",
        **({"warning": _loss(trace)} if trace.warning else {}),
        "size": size_text(trace.path.stat().st_size if trace.path.exists() else 0),
    }


def _loss(trace: Opened) -> str:
    """The trace's warning without its path."""
    return _plain((trace.warning or "").removeprefix(f"{trace.path}: "))


def _origin(trace: Opened) -> dict[str, str]:
    meta = trace.meta
    known = {
        name: meta[name]
        for name in ("seed", "index", "git_commit", "checkpoint_sha256")
        if meta.get(name) is not None
    }
    versions = meta.get("versions")
    if isinstance(versions, dict):
        known["versions"] = ", ".join(f"{name} {version}" for name, version in versions.items())
    sizes = trace.dimensions
    links = f"{sizes.links} links a slot" if sizes.links else "no links"
    gates = [name.removeprefix("gate/") for name in trace.datasets if name.startswith("gate/")]
    return {
        "entries": f"{sizes.read_entries} a read, {sizes.write_entries} a write, {links}",
        "gates": ", ".join(gates) or "none recorded",
        "access threshold": f"{trace.access_threshold:g}",
        "format": "{}.{}".format(*trace.version),
        "created": trace.created,
        "uuid": trace.uuid,
        **{name.replace("_", " "): str(value) for name, value in known.items()},
    }


def _episode_lines(trace: Opened) -> list[str]:
    lines = []
    for episode in trace.episodes[:SHOWN_EPISODES]:
        loss = mean_loss(trace, episode)
        steps = f"{episode.start} to {episode.stop - 1}"
        lines.append(f"{episode.number:<7}  {steps:<18}  {'unknown' if loss is None else f'{loss:.4f}'}")
    if len(trace.episodes) > SHOWN_EPISODES:
        lines.append(f"... and {len(trace.episodes) - SHOWN_EPISODES:,} more")
    return lines


def _named(value: Any, key: str, otherwise: str) -> str:
    name = value.get(key) if isinstance(value, dict) else None
    return _plain(str(name)) if name else otherwise


def _plain(text: str) -> str:
    """What a file says, safe for a terminal: no control characters, no endless lines."""
    shown = printable(text)
    return shown if len(shown) <= 200 else shown[:197] + "..."


def size_text(count: float) -> str:
    """A number of bytes as a reader wants it, such as 1.5 MB."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{count:.0f} bytes" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    raise AssertionError

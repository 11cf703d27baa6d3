"""Pages whose text is written by hand, and what stands between their markers by a command."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from samviz.errors import ConfigError


def require_sections(path: Path, kind: str, names: Iterable[str]) -> str:
    """The page's text.

    Raises:
        ConfigError: there is none, or it lacks the markers of a section.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        raise ConfigError(f"{path}: expected a page with sections to fill in, found none") from None
    for name in names:
        if not 0 <= text.find(_begin(kind, name)) < text.find(_end(name)):
            raise ConfigError(f"{path}: expected {_begin(kind, name)} … {_end(name)}, found no such section")
    return text


def fill_sections(path: Path, kind: str, contents: Mapping[str, str]) -> None:
    """Put fresh contents between the page's markers; everything else stays.

    Raises:
        ConfigError: there is no such page, or it lacks a section.
    """
    text = require_sections(path, kind, contents)
    for name, content in contents.items():
        before, rest = text.split(_begin(kind, name), 1)
        after = rest.split(_end(name), 1)[1]
        text = f"{before}{_begin(kind, name)}\n{content}\n{_end(name)}{after}"
    path.write_text(text, encoding="utf-8")


def _begin(kind: str, name: str) -> str:
    return f"<!-- {kind} {name} -->"


def _end(name: str) -> str:
    return f"<!-- end {name} -->"

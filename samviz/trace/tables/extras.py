"""Libraries that a trace can be handed to but does not need: imported when they are asked for."""

import importlib
from typing import Any

from samviz.errors import ConfigError


def extra(*names: str, purpose: str) -> tuple[Any, ...]:
    """The modules of those names, which `purpose` needs. Raises ConfigError where one is missing."""
    try:
        return tuple(importlib.import_module(name) for name in names)
    except ImportError as error:
        missing = (error.name or names[0]).partition(".")[0]
        raise ConfigError(
            f"{purpose} needs {missing}, which cannot be imported here; "
            'install it with: pip install "samviz[tables]"'
        ) from None

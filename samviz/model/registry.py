"""The models by the name that checkpoints, traces and commands use."""

from typing import Any

from samviz.errors import ConfigError
from samviz.model.config import SAMConfig
from samviz.model.sam import SAM

MODELS: dict[str, type[SAM]] = {"sam": SAM}


def make_model(name: str, settings: dict[str, Any]) -> SAM:
    """The model of that name (any case) with the given settings.

    Raises:
        ConfigError: an unknown model or setting, or a bad value.
    """
    if name.lower() not in MODELS:
        raise ConfigError(f"model must be one of {', '.join(sorted(MODELS))}, found {name!r}")
    return MODELS[name.lower()](SAMConfig.from_dict(settings))

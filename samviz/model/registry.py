"""The models by the name that checkpoints, traces and commands use."""

from typing import Any, NamedTuple, TypeAlias

from samviz.errors import ConfigError
from samviz.model.config import SAMConfig, SDNCConfig
from samviz.model.dam import DAM
from samviz.model.dense_config import DAMConfig, DNCConfig, LSTMConfig, NTMConfig
from samviz.model.dnc import DNC
from samviz.model.lstm import LSTM
from samviz.model.ntm import NTM
from samviz.model.sam import SAM
from samviz.model.sdnc import SDNC

MemoryModel: TypeAlias = SAM | DAM | NTM | DNC
Model: TypeAlias = MemoryModel | LSTM


class Kind(NamedTuple):
    """A model's class, that of its settings, and the gates that its events tell."""

    model: Any
    config: Any
    gates: tuple[str, ...] = ()


MODELS: dict[str, Kind] = {
    "sam": Kind(SAM, SAMConfig, ("alpha", "gamma", "beta")),
    "sdnc": Kind(SDNC, SDNCConfig, ("alpha", "gamma", "beta", "mode")),
    "dam": Kind(DAM, DAMConfig, ("alpha", "gamma", "beta")),
    "ntm": Kind(NTM, NTMConfig, ("beta",)),
    "dnc": Kind(DNC, DNCConfig, ("beta", "mode")),
    "lstm": Kind(LSTM, LSTMConfig),
}


def make_model(name: str, settings: dict[str, Any]) -> Model:
    """The model of that name (any case) with the given settings.

    Raises:
        ConfigError: an unknown model or setting, or a bad value.
    """
    if name.lower() not in MODELS:
        raise ConfigError(f"model must be one of {', '.join(sorted(MODELS))}, found {name!r}")
    kind = MODELS[name.lower()]
    return kind.model(kind.config.from_dict(settings))  # type: ignore[no-any-return]


def name_of(model: Model) -> str:
    """The model's name here."""
    return type(model).__name__.lower()

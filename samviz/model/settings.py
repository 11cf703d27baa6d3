"""What the settings of all models share: checks in one voice, and the way into JSON and back."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from samviz.errors import ConfigError

MAX_SLOTS = 2**28  # what a trace can name; slots are 32-bit numbers


@dataclass(frozen=True)
class Settings:
    """A model's settings; the subclass names them and checks them once."""

    def as_dict(self) -> dict[str, Any]:
        """The settings as plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, settings: dict[str, Any]) -> Self:
        """The settings back from `as_dict`.

        Raises:
            ConfigError: a name that is missing or unknown, or a bad value.
        """
        known = [field.name for field in fields(cls)]
        for name in settings:
            if name not in known:
                raise ConfigError(f"{cls.__name__} has no setting {name!r}, it has {', '.join(known)}")
        try:
            return cls(**settings)
        except TypeError as error:
            raise ConfigError(f"{cls.__name__}: {error}") from None


def check_sizes(settings: Settings, names: Iterable[str]) -> None:
    """Raise ConfigError unless each of these settings is a whole number of at least 1."""
    for name in names:
        value = getattr(settings, name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ConfigError(f"{name} must be a whole number of at least 1, found {value!r}")


def check_slots(slots: int, needed: int, what: str) -> None:
    """Raise ConfigError unless a memory of that many slots can be: at least `needed`, which is `what`."""
    if slots < needed:
        raise ConfigError(f"slots must be at least {what} = {needed}, found {slots}: give more slots")
    if slots > MAX_SLOTS:
        raise ConfigError(f"slots must be at most {MAX_SLOTS:,}, found {slots:,}")


def check_share(name: str, value: object, *, below_one: bool) -> None:
    """Raise ConfigError unless the value is a number in [0, 1], or in [0, 1) if it must be `below_one`."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 <= value <= 1 or (below_one and value == 1):  # type: ignore[operator]
        raise ConfigError(f"{name} must be in [0, 1{')' if below_one else ']'}, found {value!r}")

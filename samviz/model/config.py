"""The settings of a model: checked once, stored whole in checkpoints and traces."""

from dataclasses import KW_ONLY, asdict, dataclass
from typing import Any, Self

from samviz.errors import ConfigError

INDEX_KINDS = ("auto", "exact", "pages", "faiss")  # model/index.py
MAX_SLOTS = 2**28  # what a trace can name; slots are 32-bit numbers


@dataclass(frozen=True)
class SAMConfig:
    """Sizes of a Sparse Access Memory (Rae et al. 2016, section 3; defaults of its figure 1).

    Raises:
        ConfigError: a size below 1, fewer slots than heads or reads, a threshold outside [0, 1),
            or an unknown index.
    """

    input_size: int  # I
    output_size: int  # O
    _: KW_ONLY
    hidden_size: int = 100  # D
    slots: int = 1024  # N
    word_size: int = 32  # W
    heads: int = 4  # H, access heads: each both reads and writes
    reads: int = 4  # K, words that a head's content read returns
    access_threshold: float = 0.005  # delta: a larger weight counts as an access
    index: str = "auto"

    def __post_init__(self) -> None:
        for name in ("input_size", "output_size", "hidden_size", "slots", "word_size", "heads", "reads"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ConfigError(f"{name} must be a whole number of at least 1, found {value!r}")
        if self.slots < max(self.heads, self.reads):
            raise ConfigError(
                f"slots must be at least max(heads, reads) = {max(self.heads, self.reads)}, "
                f"found {self.slots}: give more slots, or fewer heads or reads"
            )
        threshold: object = self.access_threshold  # whatever a file said
        if not isinstance(threshold, int | float) or not 0 <= threshold < 1:
            raise ConfigError(f"access_threshold must be in [0, 1), found {self.access_threshold!r}")
        if self.slots > MAX_SLOTS:
            raise ConfigError(f"slots must be at most {MAX_SLOTS:,}, found {self.slots:,}")
        if self.index not in INDEX_KINDS:
            raise ConfigError(f"index must be one of {', '.join(INDEX_KINDS)}, found {self.index!r}")

    @property
    def interface_size(self) -> int:
        """Numbers that the controller emits a step."""
        return self.heads * self.interface_per_head

    @property
    def interface_per_head(self) -> int:
        """Numbers for one head: a query, a word, two gates, a strength, and in an SDNC the read mode."""
        return 2 * self.word_size + 3 + (3 if self.links_per_slot else 0)

    @property
    def links_per_slot(self) -> int:
        """L, links kept per slot; a SAM keeps none."""
        return 0

    @property
    def read_entries(self) -> int:
        """R, entries that a head's read can hold: K, in an SDNC K each by content and by either link."""
        return 3 * self.reads if self.links_per_slot else self.reads

    @property
    def write_entries(self) -> int:
        """E = R + 1: the previous read's entries and the least recently accessed slot, which comes last."""
        return self.read_entries + 1

    def as_dict(self) -> dict[str, Any]:
        """The settings as plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, settings: dict[str, Any]) -> Self:
        """The settings back from `as_dict`.

        Raises:
            ConfigError: a name that is missing or unknown, or a bad value.
        """
        try:
            return cls(**settings)
        except TypeError as error:
            raise ConfigError(f"{cls.__name__}: {error}") from None


@dataclass(frozen=True)
class SDNCConfig(SAMConfig):
    """Sizes of a Sparse Differentiable Neural Computer (Rae et al. 2016, supplement D).

    Raises:
        ConfigError: as SAMConfig, or links below 1.
    """

    _: KW_ONLY
    links: int = 8  # L, the paper's K_L: links kept per slot, in either direction

    def __post_init__(self) -> None:
        super().__post_init__()
        links: object = self.links  # whatever a file said
        if not isinstance(links, int) or isinstance(links, bool) or links < 1:
            raise ConfigError(f"links must be a whole number of at least 1, found {links!r}")

    @property
    def links_per_slot(self) -> int:
        """L."""
        return self.links

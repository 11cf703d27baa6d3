"""The settings of a model: checked once, stored whole in checkpoints and traces."""

from dataclasses import KW_ONLY, dataclass

from samviz.errors import ConfigError
from samviz.model.settings import Settings, check_share, check_sizes, check_slots

INDEX_KINDS = ("auto", "exact", "pages", "faiss")  # model/index.py

_SIZES = ("input_size", "output_size", "hidden_size", "slots", "word_size", "heads", "reads")


@dataclass(frozen=True)
class SAMConfig(Settings):
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
        check_sizes(self, _SIZES)
        check_slots(self.slots, max(self.heads, self.reads), "max(heads, reads)")
        check_share("access_threshold", self.access_threshold, below_one=True)
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
        check_sizes(self, ["links"])

    @property
    def links_per_slot(self) -> int:
        """L."""
        return self.links

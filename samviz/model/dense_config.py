"""The settings of the dense models: DAM, NTM, DNC and the LSTM without a memory.

Shape legend: H heads, N slots, W word size, I input, O output, D hidden.
"""

from dataclasses import KW_ONLY, dataclass

from samviz.errors import ConfigError
from samviz.model.config import SAMConfig
from samviz.model.settings import Settings, check_share, check_sizes, check_slots

_IO = ("input_size", "output_size", "hidden_size")
_MEMORY = (*_IO, "slots", "word_size", "heads")


@dataclass(frozen=True)
class DAMConfig(Settings):
    """Sizes of a Dense Access Memory: SAM whose heads read every slot (Rae et al. 2016, section 3).

    Raises:
        ConfigError: a size below 1, fewer slots than heads, or a share outside its range.
    """

    input_size: int  # I
    output_size: int  # O
    _: KW_ONLY
    hidden_size: int = 100  # D
    slots: int = 1024  # N
    word_size: int = 32  # W
    heads: int = 4  # H, access heads: each both reads and writes
    usage_decay: float = 0.99  # lambda of the usage U^(1)
    access_threshold: float = 0.005  # delta: a larger weight counts as an access

    def __post_init__(self) -> None:
        check_sizes(self, _MEMORY)
        check_slots(self.slots, self.heads, "heads")
        check_share("usage_decay", self.usage_decay, below_one=False)
        check_share("access_threshold", self.access_threshold, below_one=True)

    @property
    def reads(self) -> int:
        """K = N."""
        return self.slots

    @property
    def read_entries(self) -> int:
        """R = N."""
        return self.slots

    @property
    def write_entries(self) -> int:
        """E = N + 1: every slot as it was read, and the least recently accessed one, which comes last."""
        return self.slots + 1

    def as_sam(self) -> SAMConfig:
        """The SAM of which this is the dense form: K = N."""
        return SAMConfig(
            self.input_size,
            self.output_size,
            hidden_size=self.hidden_size,
            slots=self.slots,
            word_size=self.word_size,
            heads=self.heads,
            reads=self.slots,
            access_threshold=self.access_threshold,
        )


@dataclass(frozen=True)
class NTMConfig(Settings):
    """Sizes of a Neural Turing Machine (Graves et al. 2014).

    Raises:
        ConfigError: a size below 1, an even number of shifts, fewer slots than shifts, or a bad threshold.
    """

    input_size: int  # I
    output_size: int  # O
    _: KW_ONLY
    hidden_size: int = 100  # D
    slots: int = 1024  # N
    word_size: int = 32  # W
    heads: int = 4  # H, pairs of a read head and a write head
    shifts: int = 3  # how many neighbouring slots, centred on no shift, a head can move by in a step
    access_threshold: float = 0.005  # delta: a larger weight counts as an access

    def __post_init__(self) -> None:
        check_sizes(self, (*_MEMORY, "shifts"))
        if self.shifts % 2 == 0:
            raise ConfigError(f"shifts must be odd, as many to the left as to the right, found {self.shifts}")
        check_slots(self.slots, self.shifts, "shifts")
        check_share("access_threshold", self.access_threshold, below_one=True)

    @property
    def addressing_size(self) -> int:
        """Numbers that place one head: a key, a strength, a gate, the shifts, a sharpness."""
        return self.word_size + self.shifts + 3

    @property
    def interface_size(self) -> int:
        """Numbers that the controller emits a step: two addressings, an erase and an add vector a pair."""
        return self.heads * 2 * (self.addressing_size + self.word_size)

    @property
    def reads(self) -> int:
        """K = N."""
        return self.slots

    @property
    def read_entries(self) -> int:
        """R = N."""
        return self.slots

    @property
    def write_entries(self) -> int:
        """E = N."""
        return self.slots


@dataclass(frozen=True)
class DNCConfig(Settings):
    """Sizes of a Differentiable Neural Computer (Graves et al. 2016); it has one write head.

    Raises:
        ConfigError: a size below 1 or a bad threshold.
    """

    input_size: int  # I
    output_size: int  # O
    _: KW_ONLY
    hidden_size: int = 100  # D
    slots: int = 1024  # N
    word_size: int = 32  # W
    heads: int = 4  # H, read heads
    access_threshold: float = 0.005  # delta: a larger weight counts as an access

    def __post_init__(self) -> None:
        check_sizes(self, _MEMORY)
        check_slots(self.slots, 1, "one word")
        check_share("access_threshold", self.access_threshold, below_one=True)

    @property
    def interface_size(self) -> int:
        """Numbers that the controller emits a step: WH + 3W + 5H + 3."""
        return self.heads * (self.word_size + 5) + 3 * self.word_size + 3

    @property
    def reads(self) -> int:
        """K = N."""
        return self.slots

    @property
    def read_entries(self) -> int:
        """R = N."""
        return self.slots

    @property
    def write_entries(self) -> int:
        """E = N."""
        return self.slots


@dataclass(frozen=True)
class LSTMConfig(Settings):
    """Sizes of an LSTM without a memory.

    Raises:
        ConfigError: a size below 1.
    """

    input_size: int  # I
    output_size: int  # O
    _: KW_ONLY
    hidden_size: int = 100  # D

    def __post_init__(self) -> None:
        check_sizes(self, _IO)

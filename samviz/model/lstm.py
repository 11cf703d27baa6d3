"""An LSTM without any memory of words: what the models with one are measured against."""

from typing import NamedTuple

from torch import Tensor, nn

from samviz.errors import ConfigError
from samviz.model.checks import check_batch, check_inputs, check_size_of_batch
from samviz.model.dense_config import LSTMConfig
from samviz.model.dense_state import cloned, detached


class LSTMState(NamedTuple):
    """What an LSTM knows between two steps; a forward pass leaves it as it is."""

    hidden: Tensor  # [B, D]
    cell: Tensor  # [B, D]
    step: int = 0  # steps since the start

    @property
    def batch(self) -> int:
        """B."""
        return self.hidden.shape[0]

    def clone(self) -> "LSTMState":
        """An independent copy."""
        return cloned(self)


class LSTM(nn.Module):
    """One LSTM layer and a linear output; there is no memory, so there are never events.

    Example:
        >>> model = LSTM(LSTMConfig(input_size=11, output_size=8))
        >>> output, state, _ = model(torch.zeros(14, 1, 11))
    """

    def __init__(self, config: LSTMConfig) -> None:
        super().__init__()
        self.config = config
        self.lstm = nn.LSTM(config.input_size, config.hidden_size)
        self.output = nn.Linear(config.hidden_size, config.output_size)

    def initial_state(self, batch: int, memory: Tensor | None = None) -> LSTMState:
        """A fresh state: everything zero.

        Raises:
            ConfigError: a batch below 1, or a memory given.
        """
        check_size_of_batch(batch)
        if memory is not None:
            raise ConfigError("an LSTM has no memory to start with: leave memory out")
        zero = self.output.weight.new_zeros(batch, self.config.hidden_size)
        return LSTMState(zero, zero.clone())

    def forward(
        self, inputs: Tensor, state: LSTMState | None = None, events: bool | None = None
    ) -> tuple[Tensor, LSTMState, None]:
        """Run T steps; `events` changes nothing.

        Args:
            inputs: [T, B, I], T >= 1.
            state: what an earlier window returned, or None to start afresh; no gradient passes through it.
            events: there are none to be told.

        Returns:
            (output [T, B, O] before any squashing, the next state, None).

        Raises:
            ConfigError: inputs of a wrong shape, type or batch, or not finite.
        """
        check_inputs(inputs, self.config.input_size, self.output.weight.dtype)
        start = self.initial_state(inputs.shape[1]) if state is None else detached(state)
        check_batch(start.batch, inputs.shape[1])
        hidden, (last, cell) = self.lstm(inputs, (start.hidden.unsqueeze(0), start.cell.unsqueeze(0)))
        end = LSTMState(last.squeeze(0), cell.squeeze(0), start.step + len(inputs))
        return self.output(hidden), detached(end), None

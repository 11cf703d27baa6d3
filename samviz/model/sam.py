"""Sparse Access Memory: a controller with a memory of N words, of which it touches only a few a step."""

from torch import Tensor, nn

from samviz.errors import ConfigError
from samviz.model import fused, reference
from samviz.model.checks import check_batch, check_inputs
from samviz.model.compile import ensure_compiled
from samviz.model.config import SAMConfig
from samviz.model.controller import Controller
from samviz.model.events import Events
from samviz.model.index import choose_kind
from samviz.model.state import SAMState, initial_state


class SAM(nn.Module):
    """Sparse Access Memory (Rae et al. 2016, section 3).

    Args:
        config: the sizes.
        reference: run the slow, readable twin instead of the compiled loops.

    Example:
        >>> model = SAM(SAMConfig(input_size=11, output_size=8, slots=64))
        >>> output, state, events = model(torch.zeros(14, 1, 11), events=True)
    """

    def __init__(self, config: SAMConfig, *, reference: bool = False) -> None:
        super().__init__()
        self.config = config
        self.reference = reference
        self.controller = Controller(config)

    @property
    def index_kind(self) -> str:
        """What looks for words: the configured index, or what auto picks for this many slots."""
        return choose_kind(self.config.index, self.config.slots)

    def initial_state(self, batch: int, memory: Tensor | None = None) -> SAMState:
        """A fresh state: everything zero and no slot live, or all slots live with the given words.

        Args:
            batch: B.
            memory: [B, N, W] or None.

        Raises:
            ConfigError: a batch below 1, or a memory of another shape or not finite.
        """
        return initial_state(self.config, batch, memory, self.controller.from_hidden.weight)

    def forward(
        self, inputs: Tensor, state: SAMState | None = None, events: bool | None = None
    ) -> tuple[Tensor, SAMState, Events | None]:
        """Run T steps.

        Args:
            inputs: [T, B, I], T >= 1.
            state: what an earlier window returned; it is consumed. None starts afresh.
            events: True to be told what the memory did.

        Returns:
            (output [T, B, O] before any squashing, the next state, events or None).

        Raises:
            ConfigError: inputs of a wrong shape, type or batch, or not finite.
            StateError: the state was already consumed.
        """
        self._check(inputs, state)
        state = self.initial_state(inputs.shape[1]) if state is None else state
        if self.reference:
            output, state, seen = reference.run_window(self.controller, self.config, inputs, state)
            return output, state, seen if events else None
        ensure_compiled(inputs.dtype)
        return fused.run_window(self.controller, self.config, inputs, state, events=bool(events))

    def _check(self, inputs: Tensor, state: SAMState | None) -> None:
        check_inputs(inputs, self.config.input_size, self.controller.from_hidden.weight.dtype)
        if not self.reference and inputs.device.type != "cpu":
            raise ConfigError(
                f"the compiled loops run on the CPU, found inputs on {inputs.device}: "
                f"move model and inputs to the CPU, or use {type(self).__name__}(config, reference=True)"
            )
        if state is not None:
            state.require_current()
            check_batch(state.batch, inputs.shape[1])

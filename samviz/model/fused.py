"""The whole window as one autograd function over the compiled loops, with the journal between them."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from samviz.errors import StateError
from samviz.kernels.arrays import Journal
from samviz.kernels.backward import backward_window, roll_forward
from samviz.kernels.forward import Weights, forward_window
from samviz.kernels.rows import rows_after
from samviz.model.config import SAMConfig
from samviz.model.controller import Controller, read_out
from samviz.model.events import Events
from samviz.model.journal import arrays, empty_journal
from samviz.model.state import Memory, SAMState


@dataclass
class Window:
    """One window's journal together with the memory it belongs to."""

    journal: Journal
    memory: Memory
    delta: float
    first_step: int
    version: int = 0  # of the memory, right after the forward pass
    undone: bool = False

    def require_undoable(self) -> None:
        """Raise StateError unless the memory is still as the forward pass left it, for the first time."""
        if self.undone:
            raise StateError(
                "this window was already differentiated: run the forward pass again for a second backward"
            )
        if self.version != self.memory.version:
            raise StateError(
                "the memory has moved on since this forward pass: call backward() before the next window"
            )


class FusedWindow(torch.autograd.Function):
    """(input gates, recurrent weights) -> (hidden [T, B, D], read words [T, B, H, W])."""

    @staticmethod
    def forward(
        ctx: Any,
        input_gates: Tensor,
        from_read: Tensor,
        from_hidden: Tensor,
        interface: Tensor,
        interface_bias: Tensor,
        window: Window,
    ) -> tuple[Tensor, Tensor]:
        """Run the window; the memory moves on by T steps in place."""
        weights = (from_read, from_hidden, interface, interface_bias)
        window.memory.version += 1
        forward_window(
            Weights(*(weight.detach().numpy() for weight in weights)),
            input_gates.detach().contiguous().numpy(),
            window.memory.arrays(),
            arrays(window.journal),
            input_gates.new_tensor(window.delta).numpy()[()],
            window.first_step,
        )
        window.version = window.memory.version
        ctx.window = window
        ctx.save_for_backward(*weights)
        ctx.set_materialize_grads(False)
        return window.journal.hidden[1:], window.journal.read_word[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_hidden: Tensor | None, grad_read: Tensor | None) -> tuple[Tensor | None, ...]:
        """Undo the window while gathering gradients, then put the memory forward again, bit for bit."""
        window: Window = ctx.window
        window.require_undoable()
        window.undone = True
        journal, memory = window.journal, window.memory
        grad_hidden = torch.zeros_like(journal.hidden[1:]) if grad_hidden is None else grad_hidden
        grad_read = torch.zeros_like(journal.read_word[1:]) if grad_read is None else grad_read
        weights = ctx.saved_tensors
        grad_gates = torch.empty_like(journal.lstm_gates)
        grad_interface = grad_gates.new_empty(*grad_gates.shape[:2], weights[2].shape[0])
        backward_window(
            Weights(*(weight.detach().numpy() for weight in weights)),
            memory.arrays(),
            arrays(journal),
            grad_hidden.contiguous().numpy(),
            grad_read.contiguous().numpy(),
            grad_gates.numpy(),
            grad_interface.numpy(),
        )
        roll_forward(memory.arrays(), arrays(journal))
        return (
            grad_gates,
            _weight_gradient(grad_gates, journal.read_word[:-1].flatten(2)),
            _weight_gradient(grad_gates, journal.hidden[:-1]),
            _weight_gradient(grad_interface, journal.hidden[1:]),
            grad_interface.flatten(0, 1).sum(0),
            None,
        )


def _weight_gradient(grad: Tensor, entered: Tensor) -> Tensor:
    """Gradient of a linear map's weight from all steps at once."""
    return grad.flatten(0, 1).T @ entered.flatten(0, 1)


def run_window(
    controller: Controller, config: SAMConfig, inputs: Tensor, state: SAMState, *, events: bool
) -> tuple[Tensor, SAMState, Events | None]:
    """T steps of SAM through the compiled loops; the same contract as `reference.run_window`."""
    steps, batch = inputs.shape[:2]
    journal = _opened_journal(state, steps, batch, config, inputs.dtype)
    window = Window(journal, state.memory, config.access_threshold, state.step)
    hidden, read_word = FusedWindow.apply(  # type: ignore[no-untyped-call]
        controller.from_input(inputs),
        controller.from_read.weight,
        controller.from_hidden.weight,
        controller.interface.weight,
        controller.interface.bias,
        window,
    )
    return (
        read_out(controller, hidden, read_word),
        _next_state(state, journal, steps),
        _events(window) if events else None,
    )


def _opened_journal(
    state: SAMState, steps: int, batch: int, config: SAMConfig, dtype: torch.dtype
) -> Journal:
    """A journal that begins with the given state."""
    journal = empty_journal(steps, batch, config, dtype)
    for name in ("hidden", "cell", "read_slot", "read_weight", "read_word"):
        getattr(journal, name)[0] = getattr(state, name)
    return journal


def _next_state(state: SAMState, journal: Journal, steps: int) -> SAMState:
    return SAMState(
        state.memory,
        journal.hidden[-1].detach().clone(),
        journal.cell[-1].clone(),
        journal.read_word[-1].detach().clone(),
        journal.read_slot[-1].clone(),
        journal.read_weight[-1].clone(),
        state.step + steps,
        state.memory.version,
    )


def _events(window: Window) -> Events:
    """The journal as events: the same tensors, and the rows as they were after each step."""
    journal = window.journal
    steps, batch, heads, entries = journal.write_slot.shape
    row = torch.empty(steps, batch, heads, entries, journal.word.shape[-1], dtype=journal.word.dtype)
    rows_after(window.memory.arrays(), arrays(journal), row.numpy())
    return Events(
        read_slot=journal.read_slot[1:],
        read_weight=journal.read_weight[1:],
        read_score=journal.read_score,
        read_query=journal.query,
        read_word=journal.read_word[1:].detach(),
        read_usage=journal.read_usage,
        write_slot=journal.write_slot,
        write_weight=journal.write_weight,
        write_row=row,
        write_word=journal.word,
        write_usage=journal.write_usage,
        alpha=journal.alpha,
        gamma=journal.gamma,
        beta=journal.beta,
    )

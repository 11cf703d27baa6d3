"""The whole window as one autograd function over the compiled loops, with the journal between them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from samviz.errors import StateError
from samviz.kernels.arrays import Journal, MemoryArrays
from samviz.kernels.backward import backward_window, number_touched_slots
from samviz.kernels.controller import Weights
from samviz.kernels.exact import nearest
from samviz.kernels.forward import FIRST_HALF, SECOND_HALF, WHOLE, Span, forward_window
from samviz.kernels.gradients import Flow, Gradients
from samviz.kernels.pages import candidate_count, empty_pages
from samviz.kernels.rows import rows_after
from samviz.kernels.undo import redo_window
from samviz.model.buffers import pool
from samviz.model.config import SAMConfig
from samviz.model.controller import Controller
from samviz.model.events import Events
from samviz.model.faiss_index import FaissIndex
from samviz.model.index import Index, PagesIndex, candidates
from samviz.model.journal import arrays, empty_journal
from samviz.model.state import Memory, SAMState

Array = np.ndarray[Any, Any]

NO_PAGES = empty_pages(1, 0, 1, 1)  # an index of nothing: the loop looks at all live slots


@dataclass
class Window:
    """One window's journal together with the memory it belongs to."""

    journal: Journal
    arrays: Journal  # the same memory, as the kernels take it
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
    """(input gates, recurrent weights) -> hidden states and read words, [T, B, D + H*W]."""

    @staticmethod
    def forward(
        ctx: Any,
        input_gates: Tensor,
        from_hidden: Tensor,
        from_read: Tensor,
        interface: Tensor,
        interface_bias: Tensor,
        window: Window,
    ) -> Tensor:
        """Run the window; the memory moves on by T steps in place."""
        weights = (from_hidden, from_read, interface, interface_bias)
        window.memory.version += 1
        _run(window, Weights(*(weight.detach().numpy() for weight in weights)), input_gates.detach())
        window.version = window.memory.version
        ctx.window = window
        ctx.save_for_backward(*weights)
        ctx.set_materialize_grads(False)
        return window.journal.joined[1:]  # type: ignore[no-any-return]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_joined: Tensor | None) -> tuple[Tensor | None, ...]:
        """Undo the window while gathering gradients, then put the memory forward again, bit for bit."""
        window: Window = ctx.window
        window.require_undoable()
        window.undone = True
        journal = window.journal
        grad_joined = torch.zeros_like(journal.joined[1:]) if grad_joined is None else grad_joined
        grad_gates, grad_interface = _gradients(window, ctx.saved_tensors, grad_joined.contiguous())
        redo_window(window.memory.arrays(), window.arrays, window.first_step)
        hidden_size = journal.cell.shape[2]
        return (
            grad_gates,
            _weight_gradient(grad_gates, journal.joined[:-1, :, :hidden_size]),
            _weight_gradient(grad_gates, journal.joined[:-1, :, hidden_size:]),
            _weight_gradient(grad_interface, journal.joined[1:, :, :hidden_size]),
            grad_interface.flatten(0, 1).sum(0),
            None,
        )


def _run(window: Window, weights: Weights, input_gates: Tensor) -> None:
    """All steps in one call; in halves where the index lives outside the compiled loop."""
    steps, batch = input_gates.shape[:2]
    journal, memory, index = window.arrays, window.memory.arrays(), window.memory.index
    heads, reads = journal.content_slot.shape[2:]
    proposed = np.empty((batch, heads, candidate_count(reads)), np.int32)
    arguments = (
        weights,
        input_gates.contiguous().numpy(),
        memory,
        window.memory.link_arrays(),
        index.pages if isinstance(index, PagesIndex) else NO_PAGES,
        proposed,
        journal,
        input_gates.new_tensor(window.delta).numpy()[()],
        window.first_step,
    )
    if not isinstance(index, FaissIndex):
        forward_window(*arguments, Span(0, steps, WHOLE))
        return
    for t in range(steps):
        forward_window(*arguments, Span(t, t + 1, FIRST_HALF))
        for b in range(batch):
            _propose(index, memory, journal, t, b, proposed[b])
        forward_window(*arguments, Span(t, t + 1, SECOND_HALF))


def _propose(index: Index, memory: MemoryArrays, journal: Journal, t: int, b: int, proposed: Array) -> None:
    """Fill `proposed` [H, C] with what the index proposes for one element's reads at step t."""
    live, queries, words = int(memory.live[b]), journal.query[t, b], memory.word[b]
    found = candidates(index, b, journal.changed_slot[t, b], words, live, queries)
    if found is None:
        found = journal.content_slot[t, b]  # [H, K]
        nearest(words, memory.norm[b], live, queries, found, journal.content_score[t, b])
    proposed.fill(-1)
    proposed[:, : found.shape[1]] = found


def _gradients(window: Window, weights: tuple[Tensor, ...], grad_joined: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients of the LSTM gates and of the interface before the squashing, [T, B, 4D] and [T, B, P]."""
    journal, memory = window.journal, window.memory.arrays()
    steps, batch, heads, entries = journal.read_score.shape
    hidden, word, dtype = journal.cell.shape[2], journal.query.shape[3], grad_joined.dtype
    touched = number_touched_slots(memory.mark, window.arrays)
    grad_gates, grad_interface, *flow = pool.lend(
        [
            ((steps, batch, 4 * hidden), dtype),
            ((steps, batch, weights[2].shape[0]), dtype),
            ((batch, hidden + heads * word), dtype),
            ((batch, hidden), dtype),
            ((batch, heads, entries), dtype),
            ((touched, word), dtype),
        ]
    )
    backward_window(
        Weights(*(weight.detach().numpy() for weight in weights)),
        memory,
        window.arrays,
        Flow(*(part.zero_().numpy() for part in flow)),
        Gradients(grad_joined.numpy(), grad_gates.numpy(), grad_interface.numpy()),
    )
    return grad_gates, grad_interface


def _weight_gradient(grad: Tensor, entered: Tensor) -> Tensor:
    """Gradient of a linear map's weight from all steps at once."""
    return grad.flatten(0, 1).T @ entered.flatten(0, 1)


def run_window(
    controller: Controller, config: SAMConfig, inputs: Tensor, state: SAMState, *, events: bool
) -> tuple[Tensor, SAMState, Events | None]:
    """T steps through the compiled loops; the same contract as `reference.run_window`."""
    steps, batch = inputs.shape[:2]
    journal = _opened_journal(state, steps, batch, config, inputs.dtype)
    window = Window(journal, arrays(journal), state.memory, config.access_threshold, state.step)
    joined = FusedWindow.apply(  # type: ignore[no-untyped-call]
        controller.from_input(inputs),
        controller.from_hidden.weight,
        controller.from_read.weight,
        controller.interface.weight,
        controller.interface.bias,
        window,
    )
    return (
        controller.output(joined),
        _next_state(state, journal, steps),
        _events(window, config) if events else None,
    )


def _opened_journal(
    state: SAMState, steps: int, batch: int, config: SAMConfig, dtype: torch.dtype
) -> Journal:
    """A journal that begins with the given state."""
    journal = empty_journal(steps, batch, config, dtype)
    journal.joined[0, :, : config.hidden_size] = state.hidden
    journal.joined[0, :, config.hidden_size :] = state.read_word.flatten(1)
    for name in ("cell", "read_slot", "read_weight"):
        getattr(journal, name)[0] = getattr(state, name)
    return journal


def _next_state(state: SAMState, journal: Journal, steps: int) -> SAMState:
    hidden_size = journal.cell.shape[2]
    return SAMState(
        state.memory,
        journal.joined[-1, :, :hidden_size].detach().clone(),
        journal.cell[-1].clone(),
        journal.joined[-1, :, hidden_size:].detach().clone().view_as(state.read_word),
        journal.read_slot[-1].clone(),
        journal.read_weight[-1].clone(),
        state.step + steps,
        state.memory.version,
    )


def _events(window: Window, config: SAMConfig) -> Events:
    """The journal as events: the same tensors, and the rows as they were after each step."""
    journal = window.journal
    [row] = pool.lend([((*journal.write_slot.shape, config.word_size), journal.word.dtype)])
    rows_after(window.memory.arrays(), window.arrays, row.numpy())
    read_word = journal.joined.detach()[1:, :, config.hidden_size :]
    seen = Events(
        read_slot=journal.read_slot[1:],
        read_weight=journal.read_weight[1:],
        read_score=journal.read_score,
        read_query=journal.query,
        read_word=read_word.unflatten(-1, (config.heads, config.word_size)),
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
    if not config.links_per_slot:
        return seen
    return seen._replace(
        mode=journal.mode,
        precedence_slot=journal.precedence_slot,
        precedence_weight=journal.precedence_weight,
        forward_slot=journal.forward_slot,
        forward_weight=journal.forward_weight,
        backward_slot=journal.backward_slot,
        backward_weight=journal.backward_weight,
    )

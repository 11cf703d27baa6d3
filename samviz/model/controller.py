"""The controller: an LSTM of input and previous reads, a linear interface, a linear output (paper 3.3)."""

from math import sqrt
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from samviz.model.config import SAMConfig

# What passes through the memory starts larger than torch's default. At the default, recall of 3-6 pairs
# stayed at the 2.4 wrong bits of a bare LSTM for 40,000 minibatches; with this gain 10,000 solved it.
MEMORY_GAIN = 4.0


class Interface(NamedTuple):
    """What the controller asks of the memory at one step."""

    query: Tensor  # [B, H, W]
    word: Tensor  # [B, H, W]
    alpha: Tensor  # [B, H] write gate
    gamma: Tensor  # [B, H] interpolation gate
    beta: Tensor  # [B, H] read strength
    mode: Tensor  # [B, H, 3] backward, content, forward; [B, H, 0] in a SAM


class ReadsOut(Protocol):
    """Whatever has an output layer over hidden state and read words."""

    output: nn.Linear


class Controller(nn.Module):
    """The weights of the controller; the input's and the reads' share of the LSTM gates are kept apart."""

    def __init__(self, config: SAMConfig) -> None:
        super().__init__()
        hidden, reads = config.hidden_size, config.heads * config.word_size
        self.from_input = nn.Linear(config.input_size, 4 * hidden)  # carries the gates' bias
        self.from_read = nn.Linear(reads, 4 * hidden, bias=False)
        self.from_hidden = nn.Linear(hidden, 4 * hidden, bias=False)
        self.interface = nn.Linear(hidden, config.interface_size)
        self.output = nn.Linear(hidden + reads, config.output_size)
        bound = 1 / sqrt(hidden)
        for gates in (self.from_input, self.from_read, self.from_hidden):
            for parameter in gates.parameters():
                nn.init.uniform_(parameter, -bound, bound)
        self._amplify_memory(config)

    @torch.no_grad()
    def _amplify_memory(self, config: SAMConfig) -> None:
        """Scale the weights that make write words and those that take read words in."""
        per_head = self.interface.weight.unflatten(0, (config.heads, config.interface_per_head))
        per_head[:, config.word_size : 2 * config.word_size] *= MEMORY_GAIN
        self.from_read.weight *= MEMORY_GAIN
        self.output.weight[:, config.hidden_size :] *= MEMORY_GAIN


def lstm_step(gates: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    """One LSTM step from its gates before squashing, [B, 4D], as (hidden, cell), each [B, D]."""
    put_in, keep, candidate, let_out = gates.chunk(4, dim=-1)
    cell = keep.sigmoid() * cell + put_in.sigmoid() * candidate.tanh()
    return let_out.sigmoid() * cell.tanh(), cell


def split_interface(numbers: Tensor, heads: int, word_size: int) -> Interface:
    """The interface's numbers, [B, H*P], as what they mean; P = 2W + 3, in an SDNC 2W + 6."""
    per_head = numbers.unflatten(-1, (heads, -1))  # [B, H, P]
    modes = per_head.shape[-1] - 2 * word_size - 3
    query, word, alpha, gamma, beta, mode = per_head.split([word_size, word_size, 1, 1, 1, modes], dim=-1)
    return Interface(
        query=query,
        word=word,
        alpha=alpha.squeeze(-1).sigmoid(),
        gamma=gamma.squeeze(-1).sigmoid(),
        beta=1 + functional.softplus(beta.squeeze(-1)),
        mode=mode.softmax(-1),
    )


def read_out(controller: ReadsOut, hidden: Tensor, read_word: Tensor) -> Tensor:
    """y_t = Linear([h_t ; r_t^1 ; … ; r_t^H]).

    Args:
        hidden: [..., D].
        read_word: [..., H, W].
    """
    return controller.output(torch.cat([hidden, read_word.flatten(-2)], dim=-1))  # type: ignore[no-any-return]

"""The controller of NTM and DNC: an LSTM of input and previous reads, a linear interface, a linear output."""

import torch
from torch import Tensor, nn

from samviz.model.dense_config import DNCConfig, NTMConfig


class DenseController(nn.Module):
    """The weights, torch's own at the start; what the interface's numbers mean is the model's business."""

    def __init__(self, config: NTMConfig | DNCConfig) -> None:
        super().__init__()
        reads = config.heads * config.word_size
        self.lstm = nn.LSTMCell(config.input_size + reads, config.hidden_size)
        self.interface = nn.Linear(config.hidden_size, config.interface_size)
        self.output = nn.Linear(config.hidden_size + reads, config.output_size)

    def forward(self, x: Tensor, read_word: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        """One LSTM step: (hidden, cell), [B, D] each.

        Args:
            x: [B, I]; read_word: [B, H, W] of the step before; hidden, cell: [B, D].
        """
        entered = torch.cat([x, read_word.flatten(1)], dim=1)
        return self.lstm(entered, (hidden, cell))  # type: ignore[no-any-return]

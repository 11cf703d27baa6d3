"""Sparse Differentiable Neural Computer: SAM that also remembers in which order it wrote."""

from samviz.model.config import SDNCConfig
from samviz.model.sam import SAM


class SDNC(SAM):
    """Sparse Differentiable Neural Computer (Rae et al. 2016, supplement D).

    It reads, writes and forgets as SAM does; the reads also follow temporal links (linkage.py), by shares
    that the controller chooses. All of that is in the functions that both share and the configuration.

    Args:
        config: the sizes.
        reference: run the slow, readable twin instead of the compiled loops.

    Example:
        >>> model = SDNC(SDNCConfig(input_size=11, output_size=8, slots=64))
        >>> output, state, events = model(torch.zeros(14, 1, 11), events=True)
    """

    config: SDNCConfig

    def __init__(self, config: SDNCConfig, *, reference: bool = False) -> None:
        super().__init__(config, reference=reference)

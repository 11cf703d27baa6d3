"""A generated trace, small or large: no model, no torch, but a memory that obeys SAM's equations."""

from samviz.demo.generate import Demo, generate

__all__ = ["Demo", "generate"]

"""A generated trace: no model, no torch, but a memory that obeys SAM's equations, of any size."""

from samviz.demo.generate import Demo, generate

__all__ = ["Demo", "generate"]

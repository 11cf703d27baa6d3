"""Benchmarks: time and memory of a step, against dense models that are measured in the same run."""

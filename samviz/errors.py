"""Errors that a user can act on: one line saying what was expected, what was found, what to do."""


class SamvizError(Exception):
    """Base of every error that samviz raises on purpose; commands print it and exit with code 2."""


class ConfigError(SamvizError, ValueError):
    """A setting, shape or value that does not fit."""


class StateError(SamvizError, RuntimeError):
    """A state that was already consumed, or a memory that has moved on."""


class CheckpointError(SamvizError):
    """A checkpoint that is missing, damaged or made for something else."""


class TraceError(SamvizError):
    """A file that is no trace, a damaged trace, or a trace or table that cannot be written."""


class TraceWarning(UserWarning):
    """A trace that shows less than it once held; `Trace.warning` says the same."""


class TrainingError(SamvizError):
    """Training runs that ended before their time."""


class RecordingStopped(UserWarning):
    """A recording that ended early, for want of room or of a disk; the program goes on."""

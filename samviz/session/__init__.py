"""Where a model, a task and a recorder meet: record, evaluate, and train while recording."""

from samviz.session.evaluation import Measured, evaluate
from samviz.session.recording import record, record_episode, recorder_for, trace_meta
from samviz.session.replicas import Progress, run_together
from samviz.session.shipped import SHIPPED, shipped_checkpoint
from samviz.session.training_run import TrainingRun

__all__ = [
    "SHIPPED",
    "Measured",
    "Progress",
    "TrainingRun",
    "evaluate",
    "record",
    "record_episode",
    "recorder_for",
    "run_together",
    "shipped_checkpoint",
    "trace_meta",
]

"""Training: batches that the seed and the step number determine, so that a resumed run is the same run."""

from samviz.training.config import OPTIMIZERS, TrainingConfig
from samviz.training.curriculum import Curriculum
from samviz.training.loop import refuse_used_folder, train
from samviz.training.metrics import METRICS, RecentMeans, StepReport, read_metrics
from samviz.training.trainer import Trainer

__all__ = [
    "METRICS",
    "OPTIMIZERS",
    "Curriculum",
    "RecentMeans",
    "StepReport",
    "Trainer",
    "TrainingConfig",
    "read_metrics",
    "refuse_used_folder",
    "train",
]

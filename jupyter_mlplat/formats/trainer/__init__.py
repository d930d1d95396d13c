"""Kubeflow Trainer's documents, `trainer.kubeflow.org/v1alpha1`: TrainJob and its runtimes.

Reading them into train jobs and runtimes of ours, and writing a job's status back into them.
OptimizationJob, of the same group, is a tuning job: see `formats.katib`.
"""

API_VERSION = "trainer.kubeflow.org/v1alpha1"
GROUP = "trainer.kubeflow.org"
TRAIN_JOB = "TrainJob"
RUNTIME = "TrainingRuntime"
CLUSTER_RUNTIME = "ClusterTrainingRuntime"
RUNTIMES = (CLUSTER_RUNTIME, RUNTIME)

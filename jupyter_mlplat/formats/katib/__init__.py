"""Kubeflow's tuning documents: Katib's Experiment, and OptimizationJob of the Trainer.

`kubeflow.org/v1beta1` Experiment and `trainer.kubeflow.org/v1alpha1` OptimizationJob, read into
tuning jobs of ours; a job's status, and its trials, written back into documents.
"""

API_VERSION = "kubeflow.org/v1beta1"
EXPERIMENT = "Experiment"
TRIAL = "Trial"
OPTIMIZATION_JOB = "OptimizationJob"

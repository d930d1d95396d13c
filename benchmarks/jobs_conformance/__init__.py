"""Other people's TrainJobs and Experiments, run one after the other, beside what upstream demands.

`python -m benchmarks.jobs_conformance FOLDER… [--json] [--write FILE]`, with folders of documents
such as `examples/yaml` of kubeflow/trainer and `examples/v1beta1/hp-tuning` of kubeflow/katib. Not
a benchmark: it counts files, no seconds. Images are mapped to this machine; in the place of the
scripts that lie in them, which train on FashionMNIST, stand scripts that print as they do.
"""

"""Other people's KFP pipelines, run one after the other, beside what upstream demands of them.

`python -m benchmarks.kfp_conformance FOLDER [--json] [--peer] [--map PATTERN]…`, with a folder of
compiled pipelines such as `test_data/sdk_compiled_pipelines` of kubeflow/pipelines. Not a
benchmark: it counts files, no seconds.
"""

"""The same KFP pipelines under our engine and under kfp.local.

`program.py` runs in the peer's environment: it compiles the pipelines with the SDK, and runs one.
`python -m benchmarks.kfp_pipelines` hands the very same files to both.
"""

"""The metadata store beside ml-metadata (lineage) and MLflow (runs), each doing the same work.

`workload.py` says what is done and times it; it runs inside the environment of the store measured,
so it and the stores beside it (`*_store.py`) use the standard library and that store alone.
"""

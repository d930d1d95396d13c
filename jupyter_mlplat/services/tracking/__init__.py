"""What code tells of itself while it runs: curves, and runs that are tracked from outside.

Who speaks MLflow's language to it is in `services.mlflow_api` and `engine.api.mlflow`.
"""

"""MLflow's tracking API 2.0 as values: its filter language, its messages, its model files.

Nothing here knows HTTP; `engine.api.mlflow` does.
"""

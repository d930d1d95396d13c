"""MLflow's fluent API on its SQLite store, as a training script calls it."""

from pathlib import Path

import mlflow


class Store:
    def __init__(self, folder: Path) -> None:
        mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
        mlflow.set_experiment("benchmark")

    def log_runs(self, count: int) -> None:
        for _ in range(count):
            with mlflow.start_run():
                mlflow.log_params({f"p{number}": number for number in range(5)})
                mlflow.log_metrics({f"m{number}": number * 0.1 for number in range(5)})

    def log_metrics(self, count: int) -> None:
        with mlflow.start_run():
            for number in range(count):
                mlflow.log_metric("loss", number * 0.1, step=number)

    def close(self) -> None: ...

"""MLflow's fluent API on SQLite, in an environment of its own: `python peer.py COUNT FOLDER`."""

import json
import sys
from time import perf_counter


def main(count: int, folder: str) -> dict[str, float]:
    """Log so many values one by one, and a thousand times as many in batches."""
    import mlflow
    from mlflow.entities import Metric

    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    mlflow.set_experiment("benchmark")
    with mlflow.start_run() as run:
        mlflow.log_metric("warm", 0.0)
        start = perf_counter()
        for number in range(count):
            mlflow.log_metric("loss", number * 0.1, step=number)
        one_by_one = perf_counter() - start
        client = mlflow.MlflowClient()
        batch = [Metric("batched", number * 0.1, 0, number) for number in range(1000)]
        start = perf_counter()
        client.log_batch(run.info.run_id, batch)
        batched = perf_counter() - start
    return {"one_s": one_by_one / count, "batched_s": batched / 1000}


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), sys.argv[2])))

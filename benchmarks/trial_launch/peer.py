"""Ray Tune over a function that does nothing: prints seconds and counts as JSON."""

import json
import os
import sys
import time

os.environ["RAY_AIR_NEW_OUTPUT"] = "0"
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ["TUNE_DISABLE_AUTO_CALLBACK_LOGGERS"] = "1"

import ray
from ray import tune


def objective(config: dict[str, float]) -> dict[str, float]:
    return {"score": -((config["x"] - 1) ** 2)}


def main() -> None:
    trials, parallel = int(sys.argv[1]), int(sys.argv[2])
    ray.init(num_cpus=parallel, include_dashboard=False, log_to_driver=False, logging_level="error")
    began = time.perf_counter()
    tuner = tune.Tuner(
        objective,
        param_space={"x": tune.uniform(-5, 5)},
        tune_config=tune.TuneConfig(metric="score", mode="max", num_samples=trials),
        run_config=tune.RunConfig(verbose=0),
    )
    found = tuner.fit()
    took = time.perf_counter() - began
    print(json.dumps({"took_s": took, "trials": len(found)}))


main()

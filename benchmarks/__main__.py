"""Run every benchmark, one after another, each in a process of its own."""

import subprocess
import sys

from benchmarks.peers import machine

NAMES = (
    "pipeline_overhead",
    "kfp_pipelines",
    "notebook_step",
    "first_statement",
    "lineage",
    "mlflow_metrics",
    "serving",
    "train_launch",
    "tuning",
    "tuning_quality",
    "trial_launch",
    "controller",
    "small",
    "panel",
)


def main() -> int:
    """Return how many of them failed."""
    print(f"Measured on {machine()}", flush=True)
    failed = 0
    for name in NAMES:
        print(f"\n## {name}\n", flush=True)
        failed += subprocess.run([sys.executable, "-m", f"benchmarks.{name}"]).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())

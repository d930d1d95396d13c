"""The peer: a train function given to Kubeflow's SDK, whose backend starts processes here."""

import os
import subprocess
from pathlib import Path

from benchmarks.peers import peer_python
from benchmarks.train_launch.contenders import meeting_place, met

SCRIPT = Path(__file__).with_name("kubeflow_program.py")
REQUIREMENTS = ("kubeflow==0.5.0",)
TIMEOUT_S = 600


def launch() -> float:
    """Return the seconds from the call of `train` to the barrier.

    Raises:
        PeerUnavailable: The SDK cannot be installed here.
        RuntimeError: Its job did not come to the barrier.
    """
    python = peer_python("kubeflow", *REQUIREMENTS)
    with meeting_place() as folder:
        environment = {**os.environ, "MET": str(folder), "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [python, SCRIPT], env=environment, capture_output=True, text=True, timeout=TIMEOUT_S
        )
        try:
            return met(folder) - float(done.stdout.split()[-1])
        except (FileNotFoundError, IndexError, ValueError):
            said = " ".join((done.stdout + done.stderr).split())[-300:]
            raise RuntimeError(f"its job did not come to the barrier: {said}") from None

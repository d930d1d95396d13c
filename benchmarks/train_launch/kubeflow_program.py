"""Runs in the environment of Kubeflow's SDK; prints when `train` was called."""

import os
import time

from kubeflow.trainer import CustomTrainer, LocalProcessBackendConfig, TrainerClient


def meet() -> None:
    """Meet the other rank, and say when."""
    import os
    import time
    from pathlib import Path

    import torch.distributed as dist

    dist.init_process_group("gloo")
    dist.barrier()
    met_at = time.clock_gettime(time.CLOCK_MONOTONIC)
    Path(os.environ["MET"], os.environ["RANK"]).write_text(repr(met_at))
    dist.destroy_process_group()


def main() -> None:
    client = TrainerClient(backend_config=LocalProcessBackendConfig())
    trainer = CustomTrainer(
        func=meet,
        num_nodes=1,
        resources_per_node={"cpu": 2},
        packages_to_install=["torch==2.13.0+cpu"],
        env={
            "MET": os.environ["MET"],
            "PATH": os.environ["PATH"],
            "PET_NPROC_PER_NODE": "2",  # it asks torchrun for one
        },
    )
    began = time.clock_gettime(time.CLOCK_MONOTONIC)
    name = client.train(trainer=trainer, runtime=client.get_runtime("torch-distributed"))
    client.wait_for_job_status(name, timeout=500)
    print(began)


if __name__ == "__main__":
    main()

"""Ranks that meet by torch.distributed; left out where torch is not installed."""

import json
from importlib.util import find_spec

import pytest

from tests.integration.runtime.conftest import Bench

pytestmark = pytest.mark.skipif(
    find_spec("torch") is None,
    reason="torch is not installed: python -m pip install 'torch==2.13.0+cpu'",
)
SUM = """\
import torch
import torch.distributed as dist
dist.init_process_group("gloo")
total = torch.tensor([float(dist.get_rank() + 1)])
dist.all_reduce(total)
dist.barrier()
total = total.item()
launched = dist.is_torchelastic_launched()
dist.destroy_process_group()
line = f"{total} {launched} {torch.get_num_threads()}\\n"
print(line, end="")  # in one write: ranks of torchrun share their output
"""
TRAIN = """\
import os, pathlib
import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel
import jupyter_mlplat as mlplat

dist.init_process_group("gloo")
model = torch.nn.Linear(1, 1)
optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
first = 0
latest = mlplat.train.latest_checkpoint()
if latest is not None:
    state = torch.load(latest)
    model.load_state_dict(state["model"])
    first = state["epoch"] + 1
parallel = DistributedDataParallel(model)
x = torch.linspace(dist.get_rank(), dist.get_rank() + 1, 32).reshape(-1, 1)
for epoch in range(first, 20):
    loss = torch.nn.functional.mse_loss(parallel(x), 2 * x + 1)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    if dist.get_rank() == 0:
        draft = mlplat.train.checkpoint_dir() / "last.tmp"
        torch.save({"model": model.state_dict(), "epoch": epoch}, draft)
        draft.rename(draft.with_name("last.pt"))
    mlplat.train.report(step=epoch, metrics={"loss": loss.item()}, progress=(epoch + 1) / 20)
    if epoch == 9 and first == 0 and dist.get_rank() == 1:
        os._exit(9)
weights = {name: value.tolist() for name, value in model.state_dict().items()}
loss = loss.item()
dist.destroy_process_group()
"""


@pytest.mark.parametrize("preload", [("torch", "torch.distributed"), ()], ids=["warm", "cold"])
async def test_torch_ranks_meet(bench: Bench, preload: tuple[str, ...]) -> None:
    end = await bench.run(
        SUM,
        train={"contract": "torch", "nodes": 2, "processes": 1},
        outputs=["total"],
        preload=preload,
    )

    assert end.result is not None
    assert end.result["error"] is None, bench.text(end, "stderr")
    assert end.result["outputs"]["total"]["preview"] == "3.0"
    assert bench.text(end).startswith("3.0 True ")


async def test_torchrun_starts_its_ranks_as_the_job_has_them(bench: Bench) -> None:
    (bench.folder / "sum.py").write_text(SUM)
    end = await bench.run(
        train={"contract": "torch", "nodes": 1, "processes": 2},
        program={"command": ["torchrun", "sum.py"]},
    )

    assert end.result is not None
    assert end.result["error"] is None, bench.text(end, "stderr")
    assert bench.text(end).count("3.0 True") == 2


async def test_training_goes_on_from_its_checkpoint_after_a_rank_has_died(bench: Bench) -> None:
    told = {
        "train": {"contract": "torch", "nodes": 1, "processes": 2},
        "checkpoints": str(bench.folder / "kept"),
        "preload": ("torch", "torch.distributed"),
        "outputs": ["loss"],
    }
    broken = await bench.run(TRAIN, **told)
    whole = await bench.run(TRAIN, **told)

    assert broken.result is not None
    assert whole.result is not None
    message = broken.result["error"]["message"]
    assert message.startswith("Rank 1 of 2 (node 0)"), message
    assert "exit status 9" in message
    assert whole.result["error"] is None, bench.text(whole, "stderr")
    lines = (whole.ref.directory / "events.jsonl").read_text().splitlines()
    told_of = [event["step"] for event in map(json.loads, lines) if event["kind"] == "metric"]
    assert told_of == list(range(10, 20))

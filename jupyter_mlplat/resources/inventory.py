"""What the machine has to give, who holds what of it, and who waits for what."""

from typing import Literal

from pydantic import Field

from jupyter_mlplat.resources.base import Gpus, Identifier, Request, Resource, Timestamp


class ProcessName(Resource):
    """A process, told apart from every other one that has or had its pid."""

    pid: int = Field(gt=0)
    start_time: int | None = Field(default=None, description="Clock tick at which it started.")
    boot_id: str = Field(max_length=100)


class LeaseRequest(Request):
    """Ask for a GPU on behalf of a live kernel. What the process held before, it gives back."""

    gpu: Gpus = Field(description="Whole devices, or a share of one below 1.")
    process: ProcessName
    name: str = Field(default="", max_length=500, description="For people: the notebook.")
    wait: bool = Field(default=True, description="Queue where it is not free; else be refused.")


class Lease(Resource):
    """What a live kernel holds, or waits for. Ends with its process, or when it is given back."""

    id: Identifier
    gpu: Gpus
    name: str = ""
    process: ProcessName
    state: Literal["waiting", "held"]
    devices: tuple[int, ...] = Field(default=(), description="Numbers, as the inventory has them.")
    env: dict[str, str] = Field(
        default={}, description="What the process is to put into its environment."
    )
    waiting_for: str | None = Field(default=None, description="For people, while it waits.")
    asked_at: Timestamp
    held_since: Timestamp | None = None


class Holder(Resource):
    """Somebody who holds something, or waits for it: a step of a run, or a kernel."""

    kind: Literal["step", "kernel"]
    label: str = Field(description="For people: `run 12, step train`, `kernel of churn.ipynb`.")
    run_id: Identifier | None = None
    run_number: int | None = None
    step: str | None = None
    lease: Identifier | None = None
    pid: int | None = Field(default=None, description="Of a kernel.")
    cpu: float = 0
    memory_bytes: int | None = None
    gpu: Gpus = 0
    devices: tuple[int, ...] = ()
    since: Timestamp | None = None
    waiting_for: str | None = Field(default=None, description="For people; None: it holds.")


class DeviceStatus(Resource):
    """A GPU, or a MIG instance of one."""

    number: int
    id: str = Field(default="", description="UUID; empty where it is not known.")
    name: str = ""
    kind: Literal["gpu", "mig"] = "gpu"
    free: float = Field(description="The share nobody holds, from 0 to 1.")
    memory_bytes: int | None = None
    memory_used_bytes: int | None = Field(
        default=None, description="By whomever; None: not measured."
    )
    utilisation: float | None = Field(
        default=None, description="Share of the last moments it was busy; None: not measured."
    )


class MachineInventory(Resource):
    """All of it, as it is now."""

    cpu_total: float
    cpu_held: float
    cpu_used: float | None = Field(default=None, description="Cores busy with anything.")
    memory_total_bytes: int
    memory_held_bytes: int
    memory_used_bytes: int | None = None
    devices: tuple[DeviceStatus, ...] = ()
    holders: tuple[Holder, ...] = ()
    waiting: tuple[Holder, ...] = ()
    notes: tuple[str, ...] = Field(
        default=(), description="What is not known of the devices, and why; for people."
    )

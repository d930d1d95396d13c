"""Devices: shares of one, whole ones, and what a holder is told."""

import pytest

from jupyter_mlplat.engine.devices import list_devices, read_listing
from jupyter_mlplat.services.pipelines.devices import Device, DeviceLedger
from jupyter_mlplat.services.pipelines.sharing import variables_of

A100 = "GPU-5c89852c-d268-c3f3-1b07-005d5ae1dc3f"
LISTING = f"""\
GPU 0: NVIDIA A100-SXM4-40GB (UUID: {A100})
  MIG 1g.5gb      Device  0: (UUID: MIG-b4f9a0ba-1a5e-5b1f-9b5a-3f0d6a3b2c10)
  MIG 3g.20gb     Device  1: (UUID: MIG-0c757cd7-e942-5726-a0b8-0e8fb7067135)
GPU 1: NVIDIA H200 (UUID: GPU-8d5f1c36-4f5f-8a5d-0a51-0b3c5c2d9f11)
"""


def test_shares_are_put_together_so_that_whole_devices_stay_whole() -> None:
    ledger = DeviceLedger([0, 1])

    assert ledger.take(0.5, ledger.find(0.5) or ()) == (0,)
    assert ledger.find(0.5) == (0,)
    assert ledger.find(1) == (1,)
    assert ledger.find(2) is None
    ledger.give_back(0.5, (0,))
    assert ledger.find(2) == (0, 1)


def test_three_thirds_fit_one_device_and_a_fourth_does_not() -> None:
    ledger = DeviceLedger([0])
    for _ in range(3):
        assert ledger.take(1 / 3, ledger.find(1 / 3) or ()) == (0,)

    assert ledger.find(1 / 3) is None


def test_instances_of_a_divided_device_stand_for_it() -> None:
    devices = read_listing(LISTING)

    assert [(one.number, one.kind, one.name) for one in devices] == [
        (0, "mig", "NVIDIA A100-SXM4-40GB, MIG 1g.5gb"),
        (1, "mig", "NVIDIA A100-SXM4-40GB, MIG 3g.20gb"),
        (2, "gpu", "NVIDIA H200"),
    ]
    assert devices[0].address == "MIG-b4f9a0ba-1a5e-5b1f-9b5a-3f0d6a3b2c10"


def test_what_is_declared_is_believed() -> None:
    assert list_devices(2, {}) == (Device(0), Device(1))
    assert list_devices(0, {"CUDA_VISIBLE_DEVICES": "0,1"}) == ()


@pytest.mark.parametrize(
    ("visible", "numbers"),
    [("", []), ("3,1", [3, 1]), ("0,-1,1", [0]), (A100, [0])],
)
def test_an_engine_that_may_see_fewer_devices_gives_out_fewer(
    visible: str, numbers: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_mlplat.engine.devices._DRIVER", ())

    found = list_devices(None, {"CUDA_VISIBLE_DEVICES": visible})

    assert [device.number for device in found] == numbers


def test_devices_are_named_by_their_ids_where_these_are_known() -> None:
    known, unknown = Device(2, A100, memory_bytes=40 * 2**30), Device(3)

    assert variables_of([known], 1) == {"CUDA_VISIBLE_DEVICES": A100}
    assert variables_of([unknown], 1) == {
        "CUDA_VISIBLE_DEVICES": "3",
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
    }
    assert variables_of([], 0) == {}


def test_the_holder_of_a_share_is_told_how_large_it_is() -> None:
    told = variables_of([Device(0, A100, memory_bytes=40 * 2**30)], 0.25)

    assert told["MLPLAT_GPU_SHARE"] == "0.25"
    assert told["CUDA_MPS_ACTIVE_THREAD_PERCENTAGE"] == "25"
    assert told["CUDA_MPS_PINNED_DEVICE_MEM_LIMIT"] == "0=10240M"

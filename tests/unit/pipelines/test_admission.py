import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.resources.pipeline import Resources
from jupyter_mlplat.services.pipelines.admission import PATIENCE, Admission, Inventory

MACHINE = Inventory(cpu=4, memory_bytes=8 * 2**30, gpus=(0, 1))


def _granted(admission: Admission) -> list[str]:
    return [step for (_, step), _ in admission.grants()]


def _enqueue(admission: Admission, **demands: Resources) -> None:
    for step, demand in demands.items():
        admission.enqueue(("run", step), demand)


def test_first_come_first_served_and_smaller_ones_fill_the_gap() -> None:
    admission = Admission(MACHINE)
    _enqueue(admission, a=Resources(cpu=3), b=Resources(cpu=2), c=Resources(cpu=1))

    assert _granted(admission) == ["a", "c"]
    assert admission.reason(("run", "b")) == "CPU: asks for 2, 0 free"
    admission.release(("run", "a"))
    assert _granted(admission) == ["b"]
    assert admission.reason(("run", "b")) is None


def test_gpus_are_leased_by_number_and_come_back() -> None:
    admission = Admission(MACHINE)
    _enqueue(admission, a=Resources(gpu=1), b=Resources(gpu=2), c=Resources(gpu=1))

    assert [grant.gpus for _, grant in admission.grants()] == [(0,), (1,)]
    admission.release(("run", "a"))
    admission.release(("run", "c"))
    assert [grant.gpus for _, grant in admission.grants()] == [(0, 1)]


def test_a_large_step_is_passed_only_so_often() -> None:
    admission = Admission(Inventory(cpu=2, memory_bytes=2**30))
    _enqueue(admission, first=Resources(cpu=1))
    assert _granted(admission) == ["first"]
    _enqueue(admission, large=Resources(cpu=2))
    passed = 0
    for number in range(100):
        _enqueue(admission, **{f"small{number}": Resources(cpu=1)})
        if not _granted(admission):
            break
        passed += 1
        admission.release(("run", f"small{number}"))

    assert passed == PATIENCE
    admission.release(("run", "first"))
    assert _granted(admission) == ["large"]


@pytest.mark.parametrize(
    ("demand", "words"),
    [
        (Resources(cpu=8), "it asks for 8 CPUs, this machine has 4 CPUs"),
        (Resources(memory_bytes=2**40), "it asks for 1.0 TiB, this machine has 8.0 GiB"),
        (Resources(gpu=3), "it asks for 3 GPUs, this machine has 2 GPUs"),
    ],
    ids=["cpu", "memory", "gpu"],
)
def test_what_can_never_be_granted_is_refused_in_words(demand: Resources, words: str) -> None:
    with pytest.raises(InvalidInput, match="Cannot run step 'train' on this machine") as refused:
        MACHINE.refuse_impossible("train", demand)

    assert words in refused.value.message


@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(1, 4), st.integers(0, 2), st.booleans()),
        max_size=60,
    )
)
def test_never_more_is_given_than_there_is(moves: list[tuple[int, int, int, bool]]) -> None:
    admission = Admission(MACHINE)
    held: dict[tuple[str, str], tuple[float, tuple[int, ...]]] = {}
    for name, cpu, gpu, is_release in moves:
        key = ("run", str(name))
        if is_release:
            admission.release(key)
            held.pop(key, None)
        else:
            admission.enqueue(key, Resources(cpu=cpu, gpu=gpu))
        for granted, grant in admission.grants():
            assert granted not in held
            held[granted] = (grant.demand.cpu, grant.gpus)
        leased = [gpu for _, gpus in held.values() for gpu in gpus]
        assert sum(cpu for cpu, _ in held.values()) <= 4
        assert len(leased) == len(set(leased))

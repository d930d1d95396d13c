import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.resources.pipeline import Resources
from jupyter_mlplat.services.pipelines.admission import (
    LEASE,
    PATIENCE,
    Admission,
    Inventory,
    LeaseDemand,
)
from jupyter_mlplat.services.pipelines.devices import Device

MACHINE = Inventory(cpu=4, memory_bytes=8 * 2**30, gpus=(Device(0), Device(1)))


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


def test_a_machine_without_gpus_says_so() -> None:
    with pytest.raises(InvalidInput, match=r"0\.5 of a GPU, this machine has none that is"):
        Inventory(cpu=4, memory_bytes=2**30).refuse_impossible("train", Resources(gpu=0.5))


def test_who_waits_is_told_who_has_it() -> None:
    admission = Admission(MACHINE)
    admission.enqueue(("r", "a"), Resources(gpu=1), "run 3, step 'a'")
    admission.enqueue((LEASE, "l"), LeaseDemand(0.5), "kernel of churn.ipynb (pid 9)")
    admission.enqueue(("r", "b"), Resources(gpu=1), "run 4, step 'b'")
    list(admission.grants())

    assert admission.reason(("r", "b")) == (
        "GPU: asks for 1, 0.5 of one free (run 3, step 'a' has GPU 0; "
        "kernel of churn.ipynb (pid 9) has GPU 1 (0.5 of it))"
    )
    assert admission.changed_reasons() == [("r", "b")]
    assert admission.changed_reasons() == []
    admission.release((LEASE, "l"))
    assert admission.changed_reasons() == [("r", "b")]


def test_a_kernel_needs_no_free_core_for_its_lease() -> None:
    admission = Admission(Inventory(cpu=1, memory_bytes=2**30, gpus=(Device(0),)))
    _enqueue(admission, busy=Resources(cpu=1), later=Resources(cpu=1))
    admission.enqueue((LEASE, "l"), LeaseDemand(1))

    assert [key for key, _ in admission.grants()] == [("run", "busy"), (LEASE, "l")]


def test_steps_without_gpus_go_on_while_a_kernel_keeps_another_one_waiting() -> None:
    admission = Admission(Inventory(cpu=1, memory_bytes=2**30, gpus=(Device(0),)))
    admission.enqueue((LEASE, "l"), LeaseDemand(1))
    list(admission.grants())
    _enqueue(admission, train=Resources(gpu=1))

    for number in range(5 * PATIENCE):
        _enqueue(admission, **{f"small{number}": Resources()})
        assert _granted(admission) == [f"small{number}"]
        admission.release(("run", f"small{number}"))
    admission.release((LEASE, "l"))

    assert _granted(admission) == ["train"]


def test_what_was_held_before_is_held_again_and_no_more_than_there_is() -> None:
    admission = Admission(MACHINE)

    admission.hold(("r", "a"), Resources(gpu=2), (1, 7))  # device 7 is gone
    admission.hold((LEASE, "l"), LeaseDemand(0.5), (1,))  # cannot be: 1 is taken whole
    _enqueue(admission, b=Resources(gpu=1), c=Resources(gpu=1))

    assert admission.held["r", "a"].gpus == (1,)
    assert admission.held[LEASE, "l"].gpus == ()
    assert _granted(admission) == ["b"]


DEMANDS = st.one_of(
    st.builds(
        lambda cpu, memory, gpu: Resources(cpu=cpu, memory_bytes=memory, gpu=gpu),
        st.sampled_from([0.5, 1, 2, 4]),
        st.sampled_from([None, 2**30, 8 * 2**30]),
        st.sampled_from([0, 0.25, 1 / 3, 0.5, 1, 2]),
    ),
    st.builds(LeaseDemand, st.sampled_from([0.25, 0.5, 1, 2])),
)


def _key(name: int, demand: object) -> tuple[str, str]:
    return (LEASE if isinstance(demand, LeaseDemand) else "run", str(name))


@given(st.lists(st.tuples(st.integers(0, 9), DEMANDS, st.booleans()), max_size=80))
def test_never_more_is_given_than_there_is(
    moves: list[tuple[int, Resources | LeaseDemand, bool]],
) -> None:
    admission = Admission(MACHINE)
    for name, demand, is_release in moves:
        key = _key(name, demand)
        if is_release:
            admission.release(key)
        else:
            admission.enqueue(key, demand)
        before = admission.held
        for granted, _ in admission.grants():
            assert granted not in before
        held = admission.held.values()
        assert sum(grant.demand.cpu for grant in held) <= MACHINE.cpu
        assert sum(grant.demand.memory_bytes or 0 for grant in held) <= MACHINE.memory_bytes
        for device in MACHINE.gpus:
            taken = sum(grant.share for grant in held if device.number in grant.gpus)
            assert taken <= 1 + 1e-6
        for grant in held:
            count = 0 if grant.demand.gpu == 0 else max(1, int(grant.demand.gpu))
            assert len(set(grant.gpus)) == len(grant.gpus) == count


@given(st.lists(st.tuples(st.integers(0, 9), DEMANDS), max_size=40))
def test_what_is_released_can_be_given_again(moves: list[tuple[int, Resources]]) -> None:
    admission = Admission(MACHINE)
    for name, demand in moves:
        admission.enqueue(_key(name, demand), demand)
    while admission.held or admission.waiting:
        list(admission.grants())
        assert admission.held, "somebody waits although all is free"
        for key in admission.held:
            admission.release(key)
    admission.enqueue(("run", "all"), Resources(cpu=4, memory_bytes=8 * 2**30, gpu=2))

    assert _granted(admission) == ["all"]


@settings(deadline=None)
@given(st.data(), st.lists(DEMANDS, min_size=1, max_size=4))
def test_nobody_starves_however_much_comes_after(
    data: st.DataObject, first: list[Resources | LeaseDemand]
) -> None:
    """Others come all the time and each ends some time; whoever was there first begins."""
    admission = Admission(MACHINE)
    admission.enqueue(("run", "long"), Resources(cpu=2, gpu=1))
    list(admission.grants())
    early = {_key(100 + number, demand): demand for number, demand in enumerate(first)}
    for key, demand in early.items():
        admission.enqueue(key, demand)
    ages: dict[tuple[str, str], int] = {}
    for turn in range(400):
        newcomer = data.draw(DEMANDS) if turn % 7 == 0 else Resources(cpu=0.5, gpu=0.25)
        admission.enqueue(_key(1000 + turn, newcomer), newcomer)
        list(admission.grants())
        if not early.keys() & admission.waiting.keys():
            return
        for key in admission.held:
            ages[key] = ages.get(key, 0) + 1
            if ages[key] > 3:
                admission.release(key)
    raise AssertionError(f"still waiting: {early.keys() & admission.waiting.keys()}")

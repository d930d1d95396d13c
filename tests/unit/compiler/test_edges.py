"""Which step needs what of which, and why."""

import pytest

from jupyter_mlplat.resources.pipeline import Pipeline, Proof


def inputs(pipeline: Pipeline) -> dict[str, dict[str, str]]:
    return {step.name: {item.name: item.step for item in step.inputs} for step in pipeline.steps}


def test_mutation_makes_a_new_version(compiled) -> None:
    pipeline = compiled("xs = []", "xs.append(1)", "print(xs)")

    assert inputs(pipeline) == {
        "cell-1": {},
        "cell-2": {"xs": "cell-1"},
        "cell-3": {"xs": "cell-2"},
    }


def test_reading_makes_no_new_version(compiled) -> None:
    pipeline = compiled("xs = [1]", "print(len(xs))", "print(xs)")

    assert inputs(pipeline)["cell-3"] == {"xs": "cell-1"}


def test_captured_global_binds_at_the_caller(compiled) -> None:
    pipeline = compiled("k = 1\ndef f():\n    return k", "k = 2", "f()")

    assert inputs(pipeline)["cell-3"] == {"f": "cell-1", "k": "cell-2"}


def test_alias_is_carried_through_a_mutation(compiled) -> None:
    pipeline = compiled("a = [1]\nb = a", "b.append(2)", "print(a)")

    assert inputs(pipeline)["cell-2"] == {"a": "cell-1", "b": "cell-1"}
    assert inputs(pipeline)["cell-3"] == {"a": "cell-2"}


def test_independent_branches_stay_parallel(compiled) -> None:
    pipeline = compiled("raw = [3, 1]", "low = min(raw)", "high = max(raw)", "print(low, high)")

    assert pipeline.step("cell-3").after == ("cell-1",)


def test_loop_variables_do_not_chain_steps(compiled) -> None:
    pipeline = compiled("n = 3", "for i in range(n):\n    a = i", "for i in range(n):\n    b = i")

    assert pipeline.step("cell-3").after == ("cell-1",)


def test_imports_are_replayed_and_not_passed(compiled) -> None:
    pipeline = compiled("import math", "x = math.pi")

    assert pipeline.step("cell-2").prelude == ("import math",)
    assert pipeline.edges == ()


def test_settings_with_literals_are_replayed(compiled) -> None:
    pipeline = compiled("import pandas as pd", "pd.set_option('display.width', 9)", "x = 1")

    assert pipeline.step("cell-3").prelude == (
        "import pandas as pd",
        "pd.set_option('display.width', 9)",
    )


def test_edge_says_which_cells_and_how_it_is_known(compiled) -> None:
    pipeline = compiled("import thing", "x = thing.make()", "thing.use(x)", "print(x)")

    reasons = [reason for edge in pipeline.edges for reason in edge.reasons if reason.name == "x"]
    assert (reasons[-1].source_cell, reasons[-1].target_cell) == ("c2", "c3")
    assert reasons[-1].proof is Proof.ASSUMED


def test_seeded_draws_are_chained_and_unseeded_are_not(compiled) -> None:
    seeded = compiled("import random\nrandom.seed(1)", "a = random.random()", "b = random.random()")
    free = compiled("import random", "a = random.random()", "b = random.random()")

    assert inputs(seeded)["cell-3"] == {"@rng": "cell-2"}
    assert inputs(free)["cell-3"] == {}


def test_files_order_steps_without_passing_values(compiled) -> None:
    pipeline = compiled("open('a.txt', 'w').write('x')", "print(open('a.txt').read())")

    (edge,) = pipeline.edges
    assert (edge.names, edge.reasons[0].name) == ((), "@files")


def test_generator_fuses_its_cells_and_says_so(compiled) -> None:
    pipeline = compiled("g = (i for i in range(3))", "next(g)", "x = 1")

    assert [len(step.cells) for step in pipeline.steps] == [2, 1]
    (problem,) = pipeline.problems
    assert (problem.code, problem.name, problem.cell) == ("fused", "g", "c0")
    assert pipeline.is_runnable


def test_local_module_is_shipped(compiled) -> None:
    pipeline = compiled(
        "import helpers", "x = helpers.f()", files={"helpers.py": "def f(): return 1"}
    )

    assert pipeline.step("cell-2").modules == ("helpers.py",)
    assert pipeline.preload == ()


def test_literal_parameters_are_no_step(compiled) -> None:
    cell = {
        "cell_type": "code",
        "source": "alpha = 0.5  # step size\nname: str = 'a'",
        "metadata": {"tags": ["parameters"]},
    }
    pipeline = compiled(cell, "print(alpha)", "alpha = 2", "print(alpha, name)")

    assert [(p.name, p.type, p.default, p.help) for p in pipeline.parameters] == [
        ("alpha", "float", 0.5, "step size"),
        ("name", "str", "a", ""),
    ]
    assert [step.parameters for step in pipeline.steps] == [("alpha",), (), ("name",)]


@pytest.mark.parametrize(
    "revise",
    ["car.revise(1)", "Car.revise(1)", "f = car.revise\nf(1)", "f = Car.revise\nf(1)"],
)
def test_class_method_changes_the_class_however_it_is_reached(compiled, revise: str) -> None:
    """From a public notebook: the class kept its old price when an instance was asked to revise."""
    pipeline = compiled(
        "class Car:\n    price = 1\n    @classmethod\n    def revise(cls, by): cls.price += by",
        "car = Car()",
        revise,
        "print(Car.price)",
    )

    (given,) = pipeline.step("cell-4").inputs
    assert (given.name, given.step) == ("Car", "cell-3")

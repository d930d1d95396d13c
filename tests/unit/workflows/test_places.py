"""Where a task lies decides what holds for it."""

from jupyter_mlplat.formats.kfp.document import from_ir
from jupyter_mlplat.services.workflows.places import Places
from tests.unit.workflows.pipelines import dag, ir_of, leaf, task


def test_a_task_is_tried_as_often_as_the_pipeline_around_it_says_where_it_says_nothing() -> None:
    inner = dag(silent=task("a"), own=task("a", tries=1))
    middle = dag(below=task("inner"))
    root = dag(around=task("middle", tries=3), alone=task("a"))
    places = Places(from_ir(ir_of(root, a=leaf(), middle=middle, inner=inner)))

    tries = {
        "/".join(path): places.of(path).limit.retry.limit
        for path in (("alone",), ("around", "below", "silent"), ("around", "below", "own"))
    }

    assert tries == {"alone": 0, "around/below/silent": 3, "around/below/own": 1}

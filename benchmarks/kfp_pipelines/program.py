"""Runs where kfp is installed and nothing of ours.

`program.py compile FOLDER STEPS` writes the pipelines; `program.py run FILE PARAMETERS RUNNER` runs
one twice, the second time from kfp's own cache, and prints what both took.
"""

import json
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

from kfp import compiler, components, dsl, local

warnings.simplefilter("ignore")
IMAGE = f"python:{sys.version_info[0]}.{sys.version_info[1]}"


def add_one(number: int) -> int:
    return number + 1


def rest(seconds: float, number: int) -> int:
    import time

    time.sleep(seconds)
    return number


def compile_all(folder: Path, steps: int) -> None:
    """Write a chain with and without pip, siblings that only wait, and a loop over a parameter."""
    bare: dict[str, Any] = {"base_image": IMAGE, "install_kfp_package": False}
    add = dsl.component(add_one, **bare)
    add_pip = dsl.component(add_one, base_image=IMAGE)
    wait = dsl.component(rest, **bare)

    def chain_of(step: Any) -> Any:
        @dsl.pipeline(name="chain")
        def chain(start: int = 0) -> int:
            task = step(number=start)
            for _ in range(steps - 1):
                task = step(number=task.output)
            return task.output

        return chain

    @dsl.pipeline(name="siblings")
    def siblings(seconds: float = 0.5, start: int = 0):
        for number in range(8):
            wait(seconds=seconds, number=number).set_caching_options(True)

    @dsl.pipeline(name="loop")
    def loop(items: list[int], start: int = 0):
        with dsl.ParallelFor(items=items) as item:
            add(number=item)

    made = {
        "chain": chain_of(add),
        "chain-pip": chain_of(add_pip),
        "siblings": siblings,
        "loop": loop,
    }
    for name, pipeline in made.items():
        compiler.Compiler().compile(pipeline, str(folder / f"{name}.yaml"))


def run_twice(file: str, parameters: dict[str, Any], runner: str) -> dict[str, float]:
    """Run a pipeline, with nothing of it in the cache and again."""
    component = components.load_component_from_file(file)
    root = tempfile.mkdtemp(prefix="kfpb-")
    local.init(
        runner=local.SubprocessRunner(use_venv=runner == "venv"),
        pipeline_root=root,
        enable_caching=True,
    )
    times = []
    for _ in range(2):
        start = time.perf_counter()
        component(**parameters)
        times.append(time.perf_counter() - start)
    return dict(zip(("first_s", "second_s"), times, strict=True))


if __name__ == "__main__":
    if sys.argv[1] == "compile":
        compile_all(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        print(json.dumps(run_twice(sys.argv[2], json.loads(sys.argv[3]), sys.argv[4])))

"""The same notebook compiles to the same document in every process: caches live by its digest."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
PROGRAM = """
import hashlib, sys
from jupyter_mlplat.compiler import FolderView, compile_notebook
from tests.integration.verify.oracle import notebook_of, table
elsewhere = [object() for _ in range(int(sys.argv[1]))]  # other addresses for all that follows
digest = hashlib.sha256()
for name, (cells, files) in table().items():
    modules = {path: text for path, text in files.items() if path.endswith(".py")}
    pipeline = compile_notebook(
        notebook_of(cells), name="n", split="cell", folder=FolderView(modules)
    )
    digest.update(pipeline.model_dump_json().encode())
print(digest.hexdigest())
"""


def test_all_notebooks_of_the_table_compile_alike_in_every_process() -> None:
    running = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(seed * 777)],
            cwd=ROOT,
            env={"PYTHONHASHSEED": str(seed), "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in (1, 2, 3)
    ]
    answers = [process.communicate(timeout=120)[0] for process in running]

    assert [process.returncode for process in running] == [0, 0, 0]
    assert len(set(answers)) == 1

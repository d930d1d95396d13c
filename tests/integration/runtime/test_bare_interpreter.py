"""A step in an interpreter that lacks IPython says so."""

import json
import subprocess
import sys
from pathlib import Path

from jupyter_mlplat.launchers.local.slice import materialise, start_script


def test_interpreter_without_ipython_is_named_with_the_way_out(tmp_path: Path) -> None:
    bare, attempt = tmp_path / "bare", tmp_path / "attempt"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True)
    attempt.mkdir()
    (attempt / "step.json").write_text("{}")

    done = subprocess.run(
        [bare / "bin" / "python", "-I", start_script(materialise(tmp_path)), "step", attempt]
    )

    error = json.loads((attempt / "result.json").read_text())["error"]
    assert done.returncode == 0
    assert error["code"] == "import-error"
    assert error["message"].endswith(
        "this Python has no module 'IPython'. Install it there (python -m pip install ipython), "
        "or choose another interpreter."
    )

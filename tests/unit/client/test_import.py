"""What `import jupyter_mlplat` costs: nothing that is not used."""

import subprocess
import sys

import jupyter_mlplat

LISTED = """
import sys
before = set(sys.modules)
import jupyter_mlplat
added = {name for name in sys.modules if name.partition(".")[0] not in sys.stdlib_module_names}
print(*sorted(added - before))
"""


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_import_loads_no_other_module_of_ours_and_no_library() -> None:
    assert run_python(LISTED) == "jupyter_mlplat"


def test_every_public_name_is_there_when_asked_for() -> None:
    missing = [name for name in jupyter_mlplat.__all__ if not hasattr(jupyter_mlplat, name)]

    assert missing == []
    assert set(jupyter_mlplat.__all__) <= set(dir(jupyter_mlplat))


def test_client_can_be_made_without_pydantic() -> None:
    code = (
        "import sys, jupyter_mlplat; jupyter_mlplat.EngineClient(); "
        "print('pydantic' in sys.modules)"
    )

    assert run_python(code) == "False"


def test_logging_a_metric_loads_no_client() -> None:
    code = (
        "import sys, jupyter_mlplat; jupyter_mlplat.log_metric('a', 1); "
        "print([m for m in sys.modules if m.startswith('jupyter_mlplat.client.')])"
    )

    assert run_python(code) == "['jupyter_mlplat.client.tracking']"

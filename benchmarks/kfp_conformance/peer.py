"""Run one compiled pipeline with kfp.local: a program by itself, for an environment that holds kfp.

`python peer.py FILE PARAMETERS FOLDER`: the last line it prints is a JSON object. The version of
kfp that components install is replaced by the one that runs them, or each step would put another
one into the environment they share.
"""

import json
import re
import sys
import traceback
from pathlib import Path


def main(file: str, parameters: str, folder: str) -> dict:
    import kfp
    from kfp import components, local

    place = Path(folder)
    (place / "workspace").mkdir(parents=True, exist_ok=True)
    local.init(
        runner=local.SubprocessRunner(use_venv=False),
        pipeline_root=str(place / "outputs"),
        workspace_root=str(place / "workspace"),
        raise_on_error=True,
    )
    text = re.sub(r"kfp==[0-9][0-9a-z.]*", f"kfp=={kfp.__version__}", Path(file).read_text())
    pipeline = components.load_component_from_text(text)
    task = pipeline(**json.loads(parameters))
    outputs = {name: value for name, value in task.outputs.items() if _is_json(value)}
    return {"state": "succeeded", "outputs": outputs}


def _is_json(value: object) -> bool:
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return False
    return True


if __name__ == "__main__":
    try:
        result = main(*sys.argv[1:])
    except BaseException as error:
        traceback.print_exc()
        result = {
            "state": "failed",
            "kind": type(error).__name__,
            "message": " ".join(re.sub(r"\x1b\[\d*m", "", str(error)).split())[:300],
        }
    print("\n" + json.dumps(result), flush=True)

"""The slice: the code that steps are started with.

Laid out once per content in the state directory.

Steps run in environments that have never heard of us, so what they need is brought along by path:
the runtime room under the name `jupyter_mlplat_runtime`, cloudpickle, a stand-in for
`jupyter_mlplat` for environments that lack it, and the `kfp` that components run with.
"""

import hashlib
import os
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path

import jupyter_mlplat.runtime

PACKAGE = "jupyter_mlplat_runtime"


def materialise(root: Path) -> Path:
    """Return the slice's directory below `root`, creating it unless this very content is there."""
    content = _content()
    digest = hashlib.sha256()
    for name, data in sorted(content.items()):
        digest.update(f"{name}\0{len(data)}\0".encode())
        digest.update(data)
    target = root / f"runtime-{digest.hexdigest()[:16]}"
    if target.is_dir():
        return target
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".runtime-", dir=root))
    for name, data in content.items():
        path = draft / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_bytes(data)
    try:
        os.rename(draft, target)
    except OSError:
        shutil.rmtree(draft)
        if not target.is_dir():
            raise
    return target


def start_script(slice_directory: Path) -> str:
    """Return the path of the script that an interpreter is started with."""
    return str(slice_directory / PACKAGE / "start.py")


def kfp_directory(slice_directory: Path) -> str:
    """Return the folder that holds the `kfp` of components."""
    return str(slice_directory / "kfp_slice")


def _content() -> dict[str, bytes]:
    runtime = Path(next(iter(jupyter_mlplat.runtime.__path__)))
    spec = find_spec("cloudpickle")
    if spec is None or spec.origin is None:
        raise RuntimeError("cloudpickle is not installed beside jupyter_mlplat; install it again.")
    content = {f"{PACKAGE}/{path.name}": path.read_bytes() for path in sorted(runtime.glob("*.py"))}
    for path in sorted((runtime / "shim").glob("*.py")):
        content[f"shim/jupyter_mlplat/{path.name}"] = path.read_bytes()
    kfp = runtime / "kfp_slice"
    for path in sorted(kfp.rglob("*.py")):
        content[f"kfp_slice/{path.relative_to(kfp)}"] = path.read_bytes()
    for path in sorted(Path(spec.origin).parent.glob("*.py")):
        content[f"cloudpickle/{path.name}"] = path.read_bytes()
    return content

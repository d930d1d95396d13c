"""Values of a run, loaded back into this process."""

import json
from typing import Any

from jupyter_mlplat.client.engine import EngineClient
from jupyter_mlplat.errors import NotFound, Unsupported
from jupyter_mlplat.resources.run import OutputValue, Run

PLAIN_LIMIT_BYTES = 64 * 1024


def load(client: EngineClient, run: Run, output: OutputValue) -> Any:
    """Load one output of a run, as the next step would.

    Whatever is no plain data and no array was pickled by a step of this state directory, which is
    the user's own: loading it runs code that the notebook brought.

    Raises:
        NotFound: Its content is gone from the store.
        Unsupported: It cannot be loaded by this Python, or a library it needs is missing here.
    """
    from jupyter_mlplat.runtime.bundle import MissingInput
    from jupyter_mlplat.runtime.bundle import load as load_bundle
    from jupyter_mlplat.runtime.files import BlobError, Blobs

    bundle = next((task.bundle for task in run.tasks if task.name == output.step), None)
    if bundle is None:
        raise NotFound(f"Step {output.step!r} of run {run.number} saved nothing.")
    blobs = Blobs(str(client.home.blobs))
    try:
        return load_bundle(bundle, [(output.name, False)], {}, blobs)[output.name]
    except BlobError as error:
        raise NotFound(
            f"Cannot load {output.name!r} of run {run.number}: {error} "
            "Run the notebook again to make it anew."
        ) from error
    except (MissingInput, ImportError, AttributeError) as error:
        raise Unsupported(
            f"Cannot load {output.name!r} of run {run.number} into this process: {error}"
        ) from error


def take_all(client: EngineClient, run: Run, step: str, namespace: dict[str, Any]) -> list[str]:
    """Bind all that a step has saved in a namespace, as a later step would be given it.

    Raises:
        NotFound: Its content is gone from the store.
        Unsupported: It cannot be loaded by this Python, or a library it needs is missing here.
    """
    from jupyter_mlplat.runtime import given
    from jupyter_mlplat.runtime.bundle import MissingInput
    from jupyter_mlplat.runtime.files import BlobError, Blobs

    bundle = next((task.bundle for task in run.tasks if task.name == step), None)
    if bundle is None:
        return []
    blobs = Blobs(str(client.home.blobs))
    try:
        names = [name for name in blobs.get_manifest(bundle)["names"] if not name.startswith("@")]
        inputs = [{"name": name, "bundle": bundle, "optional": True} for name in names]
        return list(given.take(inputs, {}, namespace, blobs, lambda: None).loaded)
    except BlobError as error:
        raise NotFound(f"{error} Run it again to make it anew.") from error
    except (MissingInput, ImportError, AttributeError) as error:
        raise Unsupported(str(error)) from error


def load_plain(client: EngineClient, output: OutputValue) -> tuple[bool, Any]:
    """Load an output if it is small and plain data: whether it is, and the value."""
    is_plain = output.codec == "json" and output.size_bytes <= PLAIN_LIMIT_BYTES
    if not is_plain or output.artifact_id is None:
        return False, None
    return True, json.loads(client.read_artifact(output.artifact_id))

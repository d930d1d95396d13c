"""The environment variables that steps start with."""

import os
from collections.abc import Mapping

IDENTITY_SLOT = "MLPLAT_ATTEMPT"
"""Names the attempt in a step's environment, and so in that of everything it starts."""

USER_UMASK = "MLPLAT_USER_UMASK"
"""Where the engine, whose own files are private, keeps the umask it was started with."""

_PRIVATE_PREFIXES = ("JPY_", "JUPYTER_TOKEN", "JUPYTERHUB_", "MLPLAT_")
_IMPORT_TIME_PREFIXES = (
    "OMP_",
    "OPENBLAS_",
    "MKL_",
    "KMP_",
    "GOMP_",
    "NUMEXPR_",
    "BLIS_",
    "PYTHON",
    "LD_",
    "MPL",
    "TF_",
    "JAX_",
    "XLA_",
    "TORCH_",
    "PYTORCH_",
    "LC_",
    "LANG",
)


def base_environment() -> dict[str, str]:
    """Return what a step inherits from the engine.

    All but the server's secrets and our own settings.

    Hashes are fixed, so that sets are in the same order in every step of a run.
    """
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(_PRIVATE_PREFIXES)
    }
    kept.setdefault("PYTHONHASHSEED", "0")
    return kept


def user_umask() -> int:
    """Return the umask of steps: the user's, not the engine's; -1 for that of this process."""
    return int(os.environ.get(USER_UMASK, "-1"), 8)


def import_time_variables(env: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the variables that libraries read when they are imported.

    A worker that has imported them already cannot take them over, so they name a worker of their
    own.
    """
    return tuple(sorted(pair for pair in env.items() if pair[0].startswith(_IMPORT_TIME_PREFIXES)))

"""Files that are the old ones or the new ones, never half of each; and only for their owner."""

import os
from pathlib import Path

DIRECTORY_MODE = 0o700
FILE_MODE = 0o600


def make_private_directory(path: Path) -> Path:
    """Create a directory, and its parents, that only its owner may enter, whatever the umask."""
    path.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
    if path.stat().st_mode & 0o077:
        path.chmod(DIRECTORY_MODE)
    return path


def write_atomically(path: Path, content: bytes, *, durable: bool = False) -> None:
    """Replace a file as a whole, mode 0600.

    Args:
        path: Where; its directory exists.
        content: The whole new content.
        durable: Return only when it would survive a loss of power.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, FILE_MODE)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if durable:
        sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make the names in a directory survive a loss of power."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def confined(root: Path, path: str) -> str:
    """Say which file somebody means whose `/` is a folder of ours; one below it may be named so.

    Raises:
        ValueError: A link leads out of the folder, or it is no path.
    """
    if "\0" in path:
        raise ValueError("it is no path")
    plain = os.path.normpath(f"/{path.lstrip('/')}")  # whose `..` end at the top
    is_below = plain == str(root) or plain.startswith(f"{root}/")
    found = plain if is_below else f"{root}{plain}"
    if not Path(os.path.realpath(found)).is_relative_to(os.path.realpath(root)):
        raise ValueError(f"{path!r} leads out of the files of this profile")
    return found

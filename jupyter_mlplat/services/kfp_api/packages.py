"""What is uploaded: a pipeline as YAML or JSON, or in an archive of which it is taken out."""

import gzip
import io
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO

from jupyter_mlplat.errors import InvalidInput

MAX_BYTES = 32 * 2**20
"""Of a pipeline out of its archive; as Kubeflow's server has it."""
_MOST_FILES = 1000
_PIPELINE = "pipeline.yaml"


def read_package(name: str, content: bytes) -> bytes:
    """Return the text of the pipeline in an uploaded file.

    Raises:
        InvalidInput: It is damaged, holds no pipeline, or one that is too large.
    """
    if content[:2] == b"PK":
        return _chosen(name, _zipped(content))
    if content[:2] == b"\x1f\x8b":
        return _chosen(name, _tarred(content))
    return content


def _chosen(name: str, members: Iterator[tuple[str, IO[bytes]]]) -> bytes:
    """Return pipeline.yaml, or the only YAML file there is."""
    found: dict[str, bytes] = {}
    try:
        for number, (path, stream) in enumerate(members):
            if number == _MOST_FILES:
                raise InvalidInput(f"Cannot read {name!r}: it has more than {_MOST_FILES} files.")
            if not path.endswith((".yaml", ".yml")):
                continue
            found[path] = _limited(name, stream)
            if path == _PIPELINE:
                return found[path]
    except (OSError, EOFError, tarfile.TarError, zipfile.BadZipFile, zlib.error) as error:
        raise InvalidInput(f"Cannot read {name!r}: the archive is damaged ({error}).") from error
    except (RuntimeError, NotImplementedError) as error:  # encrypted, or packed as none of ours is
        raise InvalidInput(f"Cannot read {name!r}: {error}.") from error
    if len(found) != 1:
        raise InvalidInput(
            f"Cannot read {name!r}: needed a file {_PIPELINE!r}, or only one YAML file in the "
            f"archive; found {sorted(found) or 'none'}."
        )
    return next(iter(found.values()))


def _limited(name: str, stream: IO[bytes]) -> bytes:
    content = stream.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise InvalidInput(f"Cannot read {name!r}: the pipeline in it is over {MAX_BYTES} bytes.")
    return content


def _zipped(content: bytes) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for member in archive.infolist():
            if not member.is_dir():
                with archive.open(member) as stream:
                    yield member.filename, stream


def _tarred(content: bytes) -> Iterator[tuple[str, IO[bytes]]]:
    # One bound on all that is unpacked: a tar's other members have to be read past.
    with gzip.open(io.BytesIO(content)) as unpacked:
        whole = unpacked.read(4 * MAX_BYTES + 1)
    if len(whole) > 4 * MAX_BYTES:
        raise InvalidInput(f"Cannot read this archive: it unpacks to over {4 * MAX_BYTES} bytes.")
    with tarfile.open(fileobj=io.BytesIO(whole)) as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.isfile() else None
            if stream is not None:
                yield member.name, stream

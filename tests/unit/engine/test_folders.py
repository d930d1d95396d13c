"""A folder of the store comes back as a tar archive of exactly the size that was announced."""

import io
import json
import tarfile
from pathlib import Path

import pytest

from jupyter_mlplat.engine.folders import archive_of
from jupyter_mlplat.errors import NotFound
from jupyter_mlplat.runtime.artifacts import store
from jupyter_mlplat.runtime.files import Blobs
from jupyter_mlplat.stores.blobs import LocalBlobStore


def test_folder_is_archived_with_its_names_contents_and_modes(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    (folder / "deep" / "empty").mkdir(parents=True)
    (folder / "deep" / "weights.bin").write_bytes(b"w" * 1_500_000)
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    (folder / ("long" * 40)).write_text("")
    writer = Blobs(str(tmp_path / "blobs"))
    stored = store(writer, str(folder))
    assert stored is not None
    writer.commit()

    archive = archive_of(LocalBlobStore(tmp_path / "blobs"), stored.digest, "model")
    content = b"".join(archive)

    with tarfile.open(fileobj=io.BytesIO(content)) as opened:
        found = {entry.name: (entry.size, entry.mode & 0o111 > 0) for entry in opened}
    assert len(content) == archive.size_bytes
    assert found == {
        "model/deep/empty": (0, True),
        "model/deep/weights.bin": (1_500_000, False),
        "model/run.sh": (10, True),
        "model/" + "long" * 40: (0, False),
    }


def test_name_that_leads_out_of_the_folder_stays_in_it(tmp_path: Path) -> None:
    blobs = LocalBlobStore(tmp_path / "blobs")
    file = blobs.put_bytes(b"x")
    files = {"../../etc/x": [file, 1, False]}
    manifest = {"kind": "mlplat.folder", "version": 1, "files": files, "folders": []}
    digest = blobs.put_bytes(json.dumps(manifest).encode())

    with tarfile.open(fileobj=io.BytesIO(b"".join(archive_of(blobs, digest, "a/b")))) as opened:
        assert opened.getnames() == ["a_b/etc/x"]
    with pytest.raises(NotFound):
        archive_of(blobs, blobs.put_bytes(b"{}"), "x")

"""What can go wrong with a state directory: one clear error each, and nothing lost."""

import os
import shutil
import sqlite3
import stat
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from jupyter_mlplat.errors import Conflict, PlatformError, Unavailable
from jupyter_mlplat.ports.metadata import Change, NewEvent
from jupyter_mlplat.stores.blobs import LocalBlobStore
from jupyter_mlplat.stores.metadata import SqlMetadataStore
from jupyter_mlplat.stores.metadata.opening import check
from tests.contracts.documents import a_chain, a_pipeline, a_run


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m,mode=0700", "mlplat-test", folder]
    if os.geteuid() or shutil.which("mount") is None:
        pytest.skip("mounting a small disk needs root")
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this container may not mount a tmpfs")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder: Path, leave: int = 0) -> Path:
    """Fill the disk, but for some bytes, with one file."""
    path, block = folder / "ballast", b"\0" * 4096
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(block)
        except OSError:
            pass
    if leave:
        os.truncate(path, max(0, path.stat().st_size - leave))
    return path


def a_commit(store: SqlMetadataStore, number: int) -> int:
    data = {"padding": "x" * 2000}
    return store.apply(Change(events=[NewEvent("tick", str(number), data)]))[0].seq


class TestFullDisk:
    def test_a_commit_says_so_and_goes_on_when_space_returns(self, small_disk: Path) -> None:
        store = SqlMetadataStore(small_disk / "metadata.db")
        store.open()
        done: list[int] = []
        ballast = fill(small_disk, leave=200_000)

        def commit_until_full() -> None:
            for number in range(1000):
                done.append(a_commit(store, number))

        with pytest.raises(Unavailable, match="the disk is full") as raised:
            commit_until_full()
        ballast.unlink()
        done.append(a_commit(store, 1000))

        assert raised.value.details["reason"] == "disk-full"
        assert done == list(range(1, len(done) + 1))
        assert [event.seq for event in store.events_after(0)] == done
        store.close()

    def test_a_store_cannot_be_made_there_and_can_later(self, small_disk: Path) -> None:
        store = SqlMetadataStore(small_disk / "home" / "metadata.db")
        ballast = fill(small_disk, leave=20_000)

        with pytest.raises(Unavailable, match="the disk is full"):
            store.open()
        ballast.unlink()

        assert store.open() == 1
        store.close()

    def test_content_is_stored_whole_or_not_at_all(self, small_disk: Path) -> None:
        blobs = LocalBlobStore(small_disk / "blobs")
        content = os.urandom(1_000_000)
        ballast = fill(small_disk, leave=500_000)

        with pytest.raises(Unavailable, match=r"the disk of .* is full"):
            blobs.put_bytes(content)
        ballast.unlink()

        assert list(blobs.list()) == []
        assert blobs.get_bytes(blobs.put_bytes(content)) == content

    def test_a_backup_that_does_not_fit_leaves_nothing(self, small_disk: Path) -> None:
        store = SqlMetadataStore(small_disk / "metadata.db")
        store.open()
        for number in range(100):
            a_commit(store, number)
        fill(small_disk, leave=50_000)

        with pytest.raises(Unavailable, match="the disk is full"):
            store.backup(small_disk / "backup.db")

        assert not (small_disk / "backup.db").exists()
        assert store.last_event() == 100
        store.close()


class TestDamage:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        path = tmp_path / "home" / "metadata.db"
        store = SqlMetadataStore(path)
        store.open()
        store.create_run(a_run(), a_pipeline(), None, "d", [])
        store.apply(a_chain(200)[0])
        store.close()
        return path

    @pytest.mark.parametrize(
        "damage",
        [
            pytest.param(lambda raw: b"\0" * 100 + raw[100:], id="no header"),
            pytest.param(lambda raw: b"<html>" * 5000, id="another file"),
            pytest.param(lambda raw: raw[: len(raw) // 2], id="cut in half"),
            pytest.param(lambda raw: raw[:8192] + b"\xff" * 40960 + raw[49152:], id="overwritten"),
        ],
    )
    def test_a_damaged_file_is_moved_aside_as_it_is(self, path: Path, damage) -> None:
        broken = damage(path.read_bytes())
        path.write_bytes(broken)
        store = SqlMetadataStore(path)

        with pytest.raises(Unavailable, match="the file is damaged") as raised:
            store.open()

        (aside,) = store.damaged_files()
        assert raised.value.details == {"reason": "damaged", "moved_to": str(aside)}
        assert aside.read_bytes() == broken
        assert not path.exists()
        assert store.open() == 1
        assert store.list_runs(limit=1) == ()
        assert store.damaged_files() == [aside]
        store.close()

    def test_the_wal_of_a_damaged_file_goes_with_it_as_it_is(
        self, path: Path, tmp_path: Path
    ) -> None:
        store = SqlMetadataStore(path)
        store.open()
        a_commit(store, 1)
        killed = tmp_path / "killed"
        shutil.copytree(path.parent, killed)
        store.close()
        raw = (killed / path.name).read_bytes()
        broken = raw[:8192] + b"\xff" * 40960 + raw[49152:]
        (killed / path.name).write_bytes(broken)
        wal = (killed / f"{path.name}-wal").read_bytes()
        victim = SqlMetadataStore(killed / path.name)

        with pytest.raises(Unavailable, match="the file is damaged"):
            victim.open()

        (aside,) = victim.damaged_files()
        assert aside.read_bytes() == broken
        assert aside.with_name(f"{aside.name}-wal").read_bytes() == wal
        assert len(wal) > 0

    def test_damage_met_while_at_work_is_said_and_the_file_kept(self, path: Path) -> None:
        store = SqlMetadataStore(path)
        store.open()
        with path.open("r+b") as file:
            file.write(b"\xff" * path.stat().st_size)

        with pytest.raises(Unavailable, match="the file is damaged") as raised:
            store.get_run("latest")

        assert raised.value.details["reason"] == "damaged"
        assert path.exists()
        store.close()

    def test_random_damage_is_refused_or_harmless(self, path: Path, tmp_path: Path) -> None:
        """Of fifty damaged files none answers otherwise than the sound one did."""
        sound = path.read_bytes()
        store = SqlMetadataStore(path)
        store.open()
        expected = [store.list_runs(limit=9), store.get_run("1")]
        store.close()
        answers: list[list[object]] = []
        refusals: list[str] = []
        for seed in range(50):
            place = (seed * 7919 * 4096 + seed * 31) % len(sound)
            broken = sound[:place] + b"\xa5" * 512 + sound[place + 512 :]
            victim = SqlMetadataStore(tmp_path / str(seed) / "metadata.db")
            (tmp_path / str(seed)).mkdir()
            (tmp_path / str(seed) / "metadata.db").write_bytes(broken[: len(sound)])
            try:
                victim.open()
                answers.append([victim.list_runs(limit=9), victim.get_run("1")])
            except PlatformError as error:
                refusals.append(error.details["reason"])
            finally:
                victim.close()

        assert answers == [expected] * len(answers)
        assert refusals == ["damaged"] * (50 - len(answers))
        assert refusals

    def test_a_check_that_takes_too_long_is_ended(self, path: Path) -> None:
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(
                "CREATE TABLE big AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
                "FROM n LIMIT 200000) SELECT i, hex(randomblob(50)) AS x FROM n;"
            )

            check(connection, budget_s=0)

            assert connection.execute("SELECT count(*) FROM big").fetchone() == (200_000,)


class TestForeignFiles:
    def test_a_database_of_something_else_is_left_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "metadata.db"
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE trials(id INTEGER)")

        with pytest.raises(Conflict, match=r"a database of something else, with the tables \['tri"):
            SqlMetadataStore(path).open()

        assert path.exists()

    def test_a_database_of_a_newer_version_is_left_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "metadata.db"
        store = SqlMetadataStore(path)
        store.open()
        store.close()
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE alembic_version SET version_num = '9999'")
        before = path.read_bytes()

        with pytest.raises(Conflict, match="schema is revision 9999, written by a newer version"):
            store.open()

        assert path.read_bytes() == before


class TestAccess:
    def test_another_process_that_holds_the_file_is_waited_for_and_then_named(
        self, tmp_path: Path
    ) -> None:
        store = SqlMetadataStore(tmp_path / "metadata.db", busy_timeout_s=0.05)
        store.open()
        with closing(sqlite3.connect(tmp_path / "metadata.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")

            with pytest.raises(Unavailable, match="another process holds it"):
                a_commit(store, 1)
            assert store.last_event() == 0

        assert a_commit(store, 2) == 1
        store.close()

    def test_a_read_only_folder_is_named(self, tmp_path: Path, small_disk: Path) -> None:
        remount = ["mount", "-o", "remount,ro", small_disk]
        subprocess.run(remount, check=True)

        with pytest.raises(Unavailable, match=r"read-only .* MLPLAT_HOME") as raised:
            SqlMetadataStore(small_disk / "home" / "metadata.db").open()

        assert str(small_disk) in raised.value.message

    def test_a_folder_without_permission_is_named(self, tmp_path: Path) -> None:
        if not os.geteuid():
            pytest.skip("root may write everywhere")
        tmp_path.chmod(0o500)

        with pytest.raises(Unavailable, match=r"read-only .* MLPLAT_HOME"):
            SqlMetadataStore(tmp_path / "home" / "metadata.db").open()

    def test_a_file_where_the_folder_should_be_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "home").write_text("not a folder")

        with pytest.raises(Unavailable, match="home"):
            SqlMetadataStore(tmp_path / "home" / "metadata.db").open()

    def test_only_the_owner_may_read_the_files(self, tmp_path: Path) -> None:
        old = os.umask(0)
        try:
            store = SqlMetadataStore(tmp_path / "home" / "metadata.db")
            store.open()
            a_commit(store, 1)
            store.backup(tmp_path / "home" / "backups" / "b.db")
        finally:
            os.umask(old)

        modes = {
            str(path.relative_to(tmp_path)): stat.S_IMODE(path.stat().st_mode)
            for path in [tmp_path / "home", *(tmp_path / "home").rglob("*")]
        }
        assert modes == {
            "home": 0o700,
            "home/metadata.db": 0o600,
            "home/metadata.db-wal": 0o600,
            "home/metadata.db-shm": 0o600,
            "home/backups": 0o700,
            "home/backups/b.db": 0o600,
        }
        store.close()

    def test_a_closed_store_says_so(self, tmp_path: Path) -> None:
        store = SqlMetadataStore(tmp_path / "metadata.db")

        for use in (store.last_event, lambda: a_commit(store, 1)):
            with pytest.raises(Unavailable, match="the store is closed"):
                use()

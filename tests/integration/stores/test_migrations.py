"""A file of an earlier version is brought up to date, whole or not at all, from a kept copy."""

import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from jupyter_mlplat.errors import Unavailable
from jupyter_mlplat.kit.clock import from_unix
from jupyter_mlplat.ports.metadata import Change, RunFilter
from jupyter_mlplat.ports.selecting import Selection
from jupyter_mlplat.stores.metadata import SqlMetadataStore, migrating, opening, schema
from tests.contracts.documents import (
    a_cache_entry,
    a_metric,
    a_pipeline,
    a_run,
    a_version,
    an_artifact,
    an_execution,
    an_output,
    made,
)

CURRENT = opening.REVISION
ADD_COLUMN = f"""
import sqlalchemy
from alembic import op

revision = "9999"
down_revision = "{CURRENT}"


def upgrade() -> None:
    op.add_column("run", sqlalchemy.Column("note", sqlalchemy.Text))
    op.execute("UPDATE run SET note = 'migrated'")
"""


@pytest.fixture
def old_file(tmp_path: Path) -> Path:
    """A file of this revision with a run in it."""
    path = tmp_path / "home" / "metadata.db"
    store = SqlMetadataStore(path)
    store.open()
    store.create_run(a_run(), a_pipeline(), None, "d", [])
    store.close()
    return path


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Migrations as they would be after the next release: one has been added."""
    folder = tmp_path / "scripts" / "versions"
    folder.mkdir(parents=True)
    for script in (migrating.SCRIPTS / "versions").glob("*.py"):
        (folder / script.name).write_text(script.read_text())
    (folder / "9999_note.py").write_text(ADD_COLUMN)
    monkeypatch.setattr(migrating, "SCRIPTS", folder.parent)
    monkeypatch.setattr(opening, "REVISION", "9999")
    return folder


def columns_and_revision(path: Path) -> tuple[bool, str]:
    with closing(sqlite3.connect(path)) as connection:
        columns = {row[1] for row in connection.execute("PRAGMA table_info(run)")}
        (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return "note" in columns, revision


def test_a_file_of_the_first_revision_gets_the_tables_of_now(tmp_path: Path) -> None:
    path = tmp_path / "metadata.db"
    with closing(sqlite3.connect(path)) as connection:
        SqlMetadataStore(tmp_path / "new.db").open()
        connection.executescript(_first_schema())
        connection.executescript(
            "CREATE TABLE alembic_version (version_num TEXT NOT NULL PRIMARY KEY);"
            "INSERT INTO alembic_version VALUES('0001'); INSERT INTO store VALUES(1, 0, 0);"
            "INSERT INTO model VALUES('churn', '', 0);"
            "INSERT INTO model_version VALUES('churn', 7, 'art-1', NULL, '{}');"
        )

    store = SqlMetadataStore(path)
    store.open()

    assert store.findings() == ()
    assert store.model_history("churn", 1) == ()
    assert store.add_model_version(a_version(an_artifact(), "churn"), []).version == 8
    store.close()
    assert _shape(path) == _shape(tmp_path / "new.db")


def test_tags_and_durations_of_earlier_runs_are_found(tmp_path: Path) -> None:
    path = tmp_path / "metadata.db"
    run = a_run(number=1, tags={"stage": "prod"}, duration_s=3.0)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(_first_schema())
        connection.executescript(
            "CREATE TABLE alembic_version (version_num TEXT NOT NULL PRIMARY KEY);"
            "INSERT INTO alembic_version VALUES('0001'); INSERT INTO store VALUES(1, 0, 1);"
        )
        connection.execute(
            "INSERT INTO run(number, id, state, pipeline, experiment, created_at, doc) "
            "VALUES(1, ?, 'SUCCEEDED', 'Churn', 'default', 1, ?)",
            (run.id, run.model_dump_json(exclude={"tasks"})),
        )
        connection.commit()

    store = SqlMetadataStore(path)
    store.open()

    for where in (RunFilter(tags={"stage": "prod"}), RunFilter(text="churn")):
        assert [found.duration_s for found in store.list_runs(where, limit=1)] == [3.0]
    store.close()


def test_experiments_that_earlier_runs_name_are_there(tmp_path: Path) -> None:
    path = tmp_path / "metadata.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(_first_schema())
        connection.executescript(
            "CREATE TABLE alembic_version (version_num TEXT NOT NULL PRIMARY KEY);"
            "INSERT INTO alembic_version VALUES('0001'); INSERT INTO store VALUES(1, 0, 2);"
        )
        for number, experiment in enumerate(("churn", "default"), 1):
            run = a_run(number=number, experiment=experiment)
            connection.execute(
                "INSERT INTO run(number, id, state, pipeline, experiment, created_at, doc) "
                "VALUES(?, ?, 'SUCCEEDED', 'Churn', ?, ?, ?)",
                (number, run.id, experiment, number, run.model_dump_json(exclude={"tasks"})),
            )
        connection.commit()

    store = SqlMetadataStore(path)
    store.open()

    found = store.select_experiments(Selection(by="name")).records
    assert [(one.name, one.title, one.last_run_at) for one in found] == [
        ("churn", "churn", from_unix(1)),
        ("default", "Default", from_unix(2)),
    ]
    store.close()


def test_a_store_with_something_in_every_table_is_no_damage_at_the_next_start(
    tmp_path: Path,
) -> None:
    store = SqlMetadataStore(tmp_path / "metadata.db")
    store.open()
    run, _ = store.create_run(a_run(tags={"stage": "prod"}), a_pipeline(), "key", "d", [])
    execution, artifact = an_execution(run_id=run.id), an_artifact()
    store.apply(
        Change(
            executions=[execution],
            artifacts=[artifact],
            lineage=[made(execution, artifact)],
            outputs=[(run.id, an_output("x"))],
            metrics=[(run.id, a_metric("auc", 0.5))],
            cache=[a_cache_entry("k", run)],
        )
    )
    store.close()

    again = SqlMetadataStore(tmp_path / "metadata.db")

    assert again.open() == 2
    again.close()


def _first_schema() -> str:
    """Return the tables as they were at first."""
    text = opening.SCHEMA.read_text()
    for name in (
        "finding",
        "model_change",
        "run_tag",
        "experiment",
        "pipeline",
        "pipeline_version",
        "schedule",
        "firing",
        "trial",
        "trial_metric",
        "tracked_run",
        "tracking_fact",
        "tracking_file",
        "logged_model",
    ):
        text = text.replace(_table(name), "")
    series = "INDEX metric_series ON metric (run, name)"
    text = text.replace(series, "INDEX metric_run ON metric (run)")
    latest = _table("latest_metric")
    older = latest.replace("    position INTEGER,\n", "").replace("    logged_at FLOAT,\n", "")
    text = text.replace(latest, older)
    for index in (
        "model_change_model",
        "run_tag_run",
        "run_duration",
        "run_pipeline_name",
        "run_created",
        "run_experiment",
        "experiment_id",
        "pipeline_name",
        "pipeline_version_id",
        "pipeline_version_name",
        "schedule_name",
        "firing_key",
        "firing_state",
        "firing_open",
        "firing_run",
        "run_kind",
        "logged_model_run",
    ):
        text = re.sub(rf"CREATE (UNIQUE )?INDEX {index} .*;\n", "", text)
    for column in (
        "duration_s FLOAT",
        "words TEXT",
        "last_version INTEGER DEFAULT '0' NOT NULL",
        "title TEXT DEFAULT '' NOT NULL",
        "archived INTEGER DEFAULT '0' NOT NULL",
        "kind TEXT DEFAULT 'pipeline' NOT NULL",
        "is_step INTEGER DEFAULT '1' NOT NULL",
    ):
        text = text.replace(f"    {column},\n", "")
    return text


def _table(name: str) -> str:
    text = opening.SCHEMA.read_text()
    start = text.index(f"CREATE TABLE {name} (")
    return text[start : text.index(";", start) + 1]


def _shape(path: Path) -> set[tuple[str, str]]:
    """List the columns of every table."""
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
        ).fetchall()
        return {
            (table, str(column[1:]))
            for (table,) in tables
            for column in connection.execute(f"PRAGMA table_info({table})")
        }


def test_the_newest_script_is_the_revision_the_store_expects() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrating.SCRIPTS))

    assert ScriptDirectory.from_config(config).get_heads() == [opening.REVISION]


def test_an_older_file_is_migrated_and_a_copy_of_it_kept(old_file: Path, scripts: Path) -> None:
    store = SqlMetadataStore(old_file)

    assert store.open() == 2
    assert store.get_run("1").number == 1
    store.close()

    assert columns_and_revision(old_file) == (True, "9999")
    (copy,) = (old_file.parent / "backups").iterdir()
    assert copy.name.startswith(f"metadata-{CURRENT}-")
    assert columns_and_revision(copy) == (False, CURRENT)


def test_a_migrated_file_is_not_migrated_again(old_file: Path, scripts: Path) -> None:
    for _ in range(2):
        store = SqlMetadataStore(old_file)
        store.open()
        store.close()

    assert len(list((old_file.parent / "backups").iterdir())) == 1


def test_a_migration_that_fails_leaves_the_file_as_it_was(old_file: Path, scripts: Path) -> None:
    broken = ADD_COLUMN.replace("UPDATE run SET", "UPDATE nowhere SET")
    (scripts / "9999_note.py").write_text(broken)

    with pytest.raises(Unavailable, match="no such table: nowhere"):
        SqlMetadataStore(old_file).open()

    assert columns_and_revision(old_file) == (False, CURRENT)


def test_the_schema_as_sql_is_the_schema() -> None:
    assert opening.SCHEMA.read_text() == schema.to_sql()


@pytest.mark.parametrize("is_new", [True, False], ids=["new file", "current file"])
def test_sqlalchemy_is_loaded_only_to_migrate(old_file: Path, is_new: bool) -> None:
    code = (
        "import sys, pathlib\n"
        "from jupyter_mlplat.stores.metadata import SqlMetadataStore\n"
        "SqlMetadataStore(pathlib.Path(sys.argv[1])).open()\n"
        "print([name for name in ('sqlalchemy', 'alembic') if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, old_file.with_name("new.db") if is_new else old_file],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.stdout == "[]\n", done.stderr

"""The tables. Documents are kept whole as JSON in `doc`; a column is there to find or join rows.

`schema.sql` is this file as SQLite reads it, so that making a store needs no SQLAlchemy. Write it
anew after a change: `python -m jupyter_mlplat.stores.metadata.schema`. A test compares the two.

Nodes of the lineage graph have an integer key `pk` beside their public id: that keeps links short,
and a walk over them quick. Times are Unix seconds. There are no foreign keys: all writes go through
one writer, which keeps references whole.
"""

from pathlib import Path

from sqlalchemy import (
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

metadata = MetaData()


def _integer(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


store = Table(  # one row
    "store",
    metadata,
    Column("id", Integer, primary_key=True),
    _integer("fence"),
    _integer("last_run"),
)

run = Table(
    "run",
    metadata,
    Column("number", Integer, primary_key=True),
    _text("id"),
    _text("state"),
    _text("pipeline"),
    Column("notebook", Text),
    _text("experiment"),
    Column("created_at", Float, nullable=False),
    Column("finished_at", Float),
    _text("doc"),
    Column("duration_s", Float),
    Column("words", Text),  # all that a search for text looks at, in small letters
    Column("title", Text, nullable=False, server_default=""),  # or the pipeline's name
    Column("archived", Integer, nullable=False, server_default="0"),
    Column("kind", Text, nullable=False, server_default="pipeline"),  # or train, tune, tracked
    Index("run_created", "created_at"),
    Index("run_duration", "duration_s"),
    Index("run_experiment", "experiment", "created_at"),
    Index("run_id", "id", unique=True),
    Index("run_kind", "kind"),
    Index("run_notebook", "notebook"),
    Index("run_pipeline_name", "pipeline"),
    Index("run_state", "state"),
)

run_pipeline = Table(  # apart from `run`: large, and rarely read
    "run_pipeline",
    metadata,
    Column("run", Integer, primary_key=True),
    _text("doc"),
)

run_tag = Table(  # columns in the order of the key: else SQLite 3.40's quick_check sees damage
    "run_tag",
    metadata,
    _text("name"),
    _text("value"),
    _integer("run"),
    PrimaryKeyConstraint("name", "value", "run"),
    Index("run_tag_run", "run"),
    sqlite_with_rowid=False,
)

submission = Table(
    "submission",
    metadata,
    _text("key"),
    _text("digest"),
    _integer("run"),
    PrimaryKeyConstraint("key"),
    Index("submission_run", "run"),
    sqlite_with_rowid=False,
)

task = Table(
    "task",
    metadata,
    _integer("run"),
    _text("name"),
    _integer("position"),
    _text("state"),
    _integer("cached"),
    _text("doc"),
    Column("is_step", Integer, nullable=False, server_default="1"),  # not one that holds others
    PrimaryKeyConstraint("run", "name"),
    sqlite_with_rowid=False,
)

output = Table(
    "output",
    metadata,
    _integer("run"),
    _text("step"),
    _text("name"),
    _text("doc"),
    PrimaryKeyConstraint("run", "step", "name"),
    sqlite_with_rowid=False,
)

metric = Table(  # every logged value, in order
    "metric",
    metadata,
    Column("pk", Integer, primary_key=True),
    _integer("run"),
    _text("step"),
    _text("name"),
    Column("value", Float),  # NULL: not a number, which SQLite has no value for
    Column("position", Integer),
    Column("logged_at", Float, nullable=False),
    Index("metric_series", "run", "name"),
)

latest_metric = Table(  # the last value of each, for lists of runs
    "latest_metric",
    metadata,
    _integer("run"),
    _text("name"),
    Column("value", Float),
    Column("position", Integer),
    Column("logged_at", Float),
    PrimaryKeyConstraint("run", "name"),
    sqlite_with_rowid=False,
)

trial = Table(  # of a step that is tuned
    "trial",
    metadata,
    _integer("run"),
    _text("step"),
    _integer("number"),
    _text("state"),
    Column("value", Float),  # of the objective
    Column("duration_s", Float),
    _text("doc"),
    PrimaryKeyConstraint("run", "step", "number"),
    sqlite_with_rowid=False,
)

trial_metric = Table(  # every value that a trial told of
    "trial_metric",
    metadata,
    _integer("run"),
    _text("step"),
    _integer("number"),
    _integer("mark"),  # where it stands in the step's events, so that none is written twice
    _text("name"),
    Column("value", Float),
    Column("position", Integer),
    Column("reported_at", Float, nullable=False),
    PrimaryKeyConstraint("run", "step", "number", "mark"),
    sqlite_with_rowid=False,
)

cache_entry = Table(
    "cache_entry",
    metadata,
    Column("pk", Integer, primary_key=True),
    _text("key"),
    _text("pipeline"),
    _text("step"),
    _text("run_id"),
    _text("doc"),
    Index("cache_key", "key", unique=True),
    Index("cache_step", "pipeline", "step"),
    Index("cache_run", "run_id"),
)

event = Table(
    "event",
    metadata,
    Column("seq", Integer, primary_key=True),
    _text("kind"),
    _text("subject"),
    _text("data"),
    Column("time", Float, nullable=False),
)

experiment = Table(
    "experiment",
    metadata,
    _text("name"),
    _text("id"),
    _text("title"),
    _text("description"),
    _integer("archived"),
    Column("created_at", Float, nullable=False),
    PrimaryKeyConstraint("name"),
    Index("experiment_id", "id", unique=True),
    sqlite_with_rowid=False,
)

pipeline = Table(
    "pipeline",
    metadata,
    _text("id"),
    _text("name"),
    _text("title"),
    Column("created_at", Float, nullable=False),
    _text("doc"),
    PrimaryKeyConstraint("id"),
    Index("pipeline_name", "name", unique=True),
    sqlite_with_rowid=False,
)

pipeline_version = Table(
    "pipeline_version",
    metadata,
    Column("pk", Integer, primary_key=True),
    _text("id"),
    _text("pipeline"),
    _text("name"),
    _text("title"),
    Column("created_at", Float, nullable=False),
    _text("doc"),
    _text("ir"),  # large, and rarely read
    Index("pipeline_version_id", "id", unique=True),
    Index("pipeline_version_name", "pipeline", "name", unique=True),
)

execution = Table(
    "execution",
    metadata,
    Column("pk", Integer, primary_key=True),
    _text("id"),
    Column("run_id", Text),
    _text("doc"),
    Index("execution_id", "id", unique=True),
    Index("execution_run", "run_id"),
)

artifact = Table(
    "artifact",
    metadata,
    Column("pk", Integer, primary_key=True),
    _text("id"),
    _text("type"),
    _text("name"),
    Column("digest", Text),
    _text("doc"),
    Index("artifact_id", "id", unique=True),
    Index("artifact_digest", "digest"),
)

link = Table(  # kind: 0 the execution read the artifact, 1 it made it
    "link",
    metadata,
    _integer("execution"),
    _integer("kind"),
    _integer("artifact"),
    _text("name"),
    PrimaryKeyConstraint("execution", "kind", "artifact", "name"),
    Index("link_artifact", "artifact", "kind"),
    sqlite_with_rowid=False,
)

model = Table(
    "model",
    metadata,
    _text("name"),
    _text("description"),
    Column("created_at", Float, nullable=False),
    # The highest number ever given: that of a deleted version is not given again.
    Column("last_version", Integer, nullable=False, server_default="0"),
    PrimaryKeyConstraint("name"),
    sqlite_with_rowid=False,
)

model_change = Table(  # the audit: who changed what
    "model_change",
    metadata,
    Column("pk", Integer, primary_key=True),
    _text("model"),
    _text("doc"),
    Index("model_change_model", "model"),
)

model_version = Table(
    "model_version",
    metadata,
    _text("model"),
    _integer("version"),
    _text("artifact_id"),
    Column("run_id", Text),
    _text("doc"),
    PrimaryKeyConstraint("model", "version"),
    sqlite_with_rowid=False,
)

model_alias = Table(
    "model_alias",
    metadata,
    _text("model"),
    _text("alias"),
    _integer("version"),
    PrimaryKeyConstraint("model", "alias"),
    sqlite_with_rowid=False,
)

finding = Table(
    "finding",
    metadata,
    _text("source"),
    _text("doc"),
    PrimaryKeyConstraint("source"),
    sqlite_with_rowid=False,
)

endpoint = Table(
    "endpoint",
    metadata,
    _text("name"),
    _text("doc"),
    _text("internal"),
    PrimaryKeyConstraint("name"),
    sqlite_with_rowid=False,
)

schedule = Table(
    "schedule",
    metadata,
    _text("id"),
    _text("name"),
    _text("doc"),
    _text("state"),
    PrimaryKeyConstraint("id"),
    Index("schedule_name", "name", unique=True),
    sqlite_with_rowid=False,
)

firing = Table(  # one row for each planned time that has come, and for each row of a table then
    "firing",
    metadata,
    Column("pk", Integer, primary_key=True),
    _text("schedule"),
    _text("key"),
    _integer("row"),
    _text("state"),
    _integer("is_open"),
    Column("run_id", Text),
    _text("doc"),
    Index("firing_key", "schedule", "key", "row", unique=True),
    Index("firing_state", "schedule", "state"),
    Index("firing_open", "is_open"),
    Index("firing_run", "run_id"),
)

tracked_run = Table(  # runs that code tells of from outside, and when it last did
    "tracked_run",
    metadata,
    _text("run_id"),
    _text("execution_id"),
    Column("heard_at", Float, nullable=False),
    PrimaryKeyConstraint("run_id"),
    sqlite_with_rowid=False,
)

tracking_fact = Table(  # parameters and tags as code has logged them
    "tracking_fact",
    metadata,
    _text("owner"),  # the id of a run, an experiment or a logged model; or model:NAME[/VERSION]
    _text("kind"),
    _text("name"),
    _text("value"),
    PrimaryKeyConstraint("owner", "kind", "name"),
    sqlite_with_rowid=False,
)

tracking_file = Table(  # files as code has logged them; their content is among the blobs
    "tracking_file",
    metadata,
    _text("owner"),
    _text("path"),
    _text("digest"),
    _integer("size_bytes"),
    PrimaryKeyConstraint("owner", "path"),
    sqlite_with_rowid=False,
)

logged_model = Table(
    "logged_model",
    metadata,
    _text("id"),
    Column("run_id", Text),
    _text("experiment"),
    _text("doc"),
    PrimaryKeyConstraint("id"),
    Index("logged_model_run", "run_id"),
    sqlite_with_rowid=False,
)


def to_sql() -> str:
    """Return the statements that create all tables in SQLite."""
    dialect = sqlite.dialect()
    statements = []
    for table in metadata.sorted_tables:
        statements.append(CreateTable(table).compile(dialect=dialect))
        indexes = sorted(table.indexes, key=lambda index: str(index.name))
        statements += [CreateIndex(index).compile(dialect=dialect) for index in indexes]
    lines = (line for text in statements for line in f"{str(text).strip()};".splitlines())
    return "".join(line.replace("\t", "    ").rstrip() + "\n" for line in lines if line)


if __name__ == "__main__":
    Path(__file__).with_suffix(".sql").write_text(to_sql())

"""The tables. Documents are kept whole as JSON in `doc`; a column is there to find or join rows.

Nodes of the lineage graph have an integer key `pk` beside their public id: that keeps links short,
and a walk over them quick. Times are Unix seconds. There are no foreign keys: all writes go through
one writer, which keeps references whole.
"""

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
    Index("run_id", "id", unique=True),
    Index("run_notebook", "notebook"),
    Index("run_state", "state"),
)

run_pipeline = Table(  # apart from `run`: large, and rarely read
    "run_pipeline",
    metadata,
    Column("run", Integer, primary_key=True),
    _text("doc"),
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
    Index("metric_run", "run"),
)

latest_metric = Table(  # the last value of each, for lists of runs
    "latest_metric",
    metadata,
    _integer("run"),
    _text("name"),
    Column("value", Float),
    PrimaryKeyConstraint("run", "name"),
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
    PrimaryKeyConstraint("name"),
    sqlite_with_rowid=False,
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

endpoint = Table(
    "endpoint",
    metadata,
    _text("name"),
    _text("doc"),
    _text("internal"),
    PrimaryKeyConstraint("name"),
    sqlite_with_rowid=False,
)

"""Experiments as records, stored pipelines with versions, runs with titles that can be put away."""

import sqlalchemy
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the tables and columns; every experiment that a run names becomes a record."""
    text, real, whole = sqlalchemy.Text, sqlalchemy.Float, sqlalchemy.Integer
    op.add_column("run", sqlalchemy.Column("title", text, nullable=False, server_default=""))
    op.add_column("run", sqlalchemy.Column("archived", whole, nullable=False, server_default="0"))
    op.execute("UPDATE run SET title = pipeline")
    op.create_index("run_created", "run", ["created_at"])
    op.create_index("run_experiment", "run", ["experiment", "created_at"])
    op.create_table(
        "experiment",
        sqlalchemy.Column("name", text, nullable=False),
        sqlalchemy.Column("id", text, nullable=False),
        sqlalchemy.Column("title", text, nullable=False),
        sqlalchemy.Column("description", text, nullable=False),
        sqlalchemy.Column("archived", whole, nullable=False),
        sqlalchemy.Column("created_at", real, nullable=False),
        sqlalchemy.PrimaryKeyConstraint("name"),
        sqlite_with_rowid=False,
    )
    op.create_index("experiment_id", "experiment", ["id"], unique=True)
    op.execute(
        "INSERT INTO experiment(name, id, title, description, archived, created_at) "
        "SELECT experiment, 'experiment-' || lower(hex(randomblob(13))), "
        "CASE experiment WHEN 'default' THEN 'Default' ELSE experiment END, '', 0, min(created_at) "
        "FROM run GROUP BY experiment"
    )
    op.execute(
        "INSERT INTO experiment(name, id, title, description, archived, created_at) "
        "VALUES('default', 'experiment-' || lower(hex(randomblob(13))), 'Default', "
        "'Runs that name no experiment.', 0, CAST(strftime('%s', 'now') AS REAL)) "
        "ON CONFLICT DO UPDATE SET description = excluded.description"
    )
    op.create_table(
        "pipeline",
        sqlalchemy.Column("id", text, nullable=False),
        sqlalchemy.Column("name", text, nullable=False),
        sqlalchemy.Column("title", text, nullable=False),
        sqlalchemy.Column("created_at", real, nullable=False),
        sqlalchemy.Column("doc", text, nullable=False),
        sqlalchemy.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("pipeline_name", "pipeline", ["name"], unique=True)
    op.create_table(
        "pipeline_version",
        sqlalchemy.Column("pk", whole, nullable=False),
        sqlalchemy.Column("id", text, nullable=False),
        sqlalchemy.Column("pipeline", text, nullable=False),
        sqlalchemy.Column("name", text, nullable=False),
        sqlalchemy.Column("title", text, nullable=False),
        sqlalchemy.Column("created_at", real, nullable=False),
        sqlalchemy.Column("doc", text, nullable=False),
        sqlalchemy.Column("ir", text, nullable=False),
        sqlalchemy.PrimaryKeyConstraint("pk"),
    )
    op.create_index("pipeline_version_id", "pipeline_version", ["id"], unique=True)
    op.create_index("pipeline_version_name", "pipeline_version", ["pipeline", "name"], unique=True)

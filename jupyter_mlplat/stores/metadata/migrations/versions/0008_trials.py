"""Trials of tuning jobs with what they told of their metrics, and what kind of job a run is."""

import sqlalchemy
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the tables and the column; until now every run was of a pipeline."""
    op.add_column(
        "run",
        sqlalchemy.Column("kind", sqlalchemy.Text, nullable=False, server_default="pipeline"),
    )
    op.create_index("run_kind", "run", ["kind"])
    op.create_table(
        "trial",
        sqlalchemy.Column("run", sqlalchemy.Integer, nullable=False),
        sqlalchemy.Column("step", sqlalchemy.Text, nullable=False),
        sqlalchemy.Column("number", sqlalchemy.Integer, nullable=False),
        sqlalchemy.Column("state", sqlalchemy.Text, nullable=False),
        sqlalchemy.Column("value", sqlalchemy.Float),
        sqlalchemy.Column("duration_s", sqlalchemy.Float),
        sqlalchemy.Column("doc", sqlalchemy.Text, nullable=False),
        sqlalchemy.PrimaryKeyConstraint("run", "step", "number"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "trial_metric",
        sqlalchemy.Column("run", sqlalchemy.Integer, nullable=False),
        sqlalchemy.Column("step", sqlalchemy.Text, nullable=False),
        sqlalchemy.Column("number", sqlalchemy.Integer, nullable=False),
        sqlalchemy.Column("mark", sqlalchemy.Integer, nullable=False),
        sqlalchemy.Column("name", sqlalchemy.Text, nullable=False),
        sqlalchemy.Column("value", sqlalchemy.Float),
        sqlalchemy.Column("position", sqlalchemy.Integer),
        sqlalchemy.Column("reported_at", sqlalchemy.Float, nullable=False),
        sqlalchemy.PrimaryKeyConstraint("run", "step", "number", "mark"),
        sqlite_with_rowid=False,
    )

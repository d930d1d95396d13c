"""What code tells of itself: facts, files, models; and where the last value of a metric stands."""

import sqlalchemy
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add four tables and two columns; points are found by their metric's name."""
    op.add_column("latest_metric", sqlalchemy.Column("position", sqlalchemy.Integer))
    op.add_column("latest_metric", sqlalchemy.Column("logged_at", sqlalchemy.Float))
    op.drop_index("metric_run", "metric")
    op.create_index("metric_series", "metric", ["run", "name"])
    op.create_table(
        "tracked_run",
        sqlalchemy.Column("run_id", sqlalchemy.Text, nullable=False),
        sqlalchemy.Column("execution_id", sqlalchemy.Text, nullable=False),
        sqlalchemy.Column("heard_at", sqlalchemy.Float, nullable=False),
        sqlalchemy.PrimaryKeyConstraint("run_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tracking_fact",
        sqlalchemy.Column("owner", sqlalchemy.Text, nullable=False),
        sqlalchemy.Column("kind", sqlalchemy.Text, nullable=False),
        sqlalchemy.Column("name", sqlalchemy.Text, nullable=False),
        sqlalchemy.Column("value", sqlalchemy.Text, nullable=False),
        sqlalchemy.PrimaryKeyConstraint("owner", "kind", "name"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tracking_file",
        sqlalchemy.Column("owner", sqlalchemy.Text, nullable=False),
        sqlalchemy.Column("path", sqlalchemy.Text, nullable=False),
        sqlalchemy.Column("digest", sqlalchemy.Text, nullable=False),
        sqlalchemy.Column("size_bytes", sqlalchemy.Integer, nullable=False),
        sqlalchemy.PrimaryKeyConstraint("owner", "path"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "logged_model",
        sqlalchemy.Column("id", sqlalchemy.Text, nullable=False),
        sqlalchemy.Column("run_id", sqlalchemy.Text),
        sqlalchemy.Column("experiment", sqlalchemy.Text, nullable=False),
        sqlalchemy.Column("doc", sqlalchemy.Text, nullable=False),
        sqlalchemy.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("logged_model_run", "logged_model", ["run_id"])

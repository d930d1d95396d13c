"""Schedules, and what became of their planned times."""

import sqlalchemy
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the two tables."""
    op.create_table(
        "schedule",
        sqlalchemy.Column("id", sqlalchemy.Text, nullable=False),
        sqlalchemy.Column("name", sqlalchemy.Text, nullable=False),
        sqlalchemy.Column("doc", sqlalchemy.Text, nullable=False),
        sqlalchemy.Column("state", sqlalchemy.Text, nullable=False),
        sqlalchemy.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("schedule_name", "schedule", ["name"], unique=True)
    op.create_table(
        "firing",
        sqlalchemy.Column("pk", sqlalchemy.Integer, nullable=False),
        sqlalchemy.Column("schedule", sqlalchemy.Text, nullable=False),
        sqlalchemy.Column("key", sqlalchemy.Text, nullable=False),
        sqlalchemy.Column("row", sqlalchemy.Integer, nullable=False),
        sqlalchemy.Column("state", sqlalchemy.Text, nullable=False),
        sqlalchemy.Column("is_open", sqlalchemy.Integer, nullable=False),
        sqlalchemy.Column("run_id", sqlalchemy.Text),
        sqlalchemy.Column("doc", sqlalchemy.Text, nullable=False),
        sqlalchemy.PrimaryKeyConstraint("pk"),
    )
    op.create_index("firing_key", "firing", ["schedule", "key", "row"], unique=True)
    op.create_index("firing_state", "firing", ["schedule", "state"])
    op.create_index("firing_open", "firing", ["is_open"])
    op.create_index("firing_run", "firing", ["run_id"])

"""What runs have shown of cells."""

import sqlalchemy
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "finding",
        sqlalchemy.Column("source", sqlalchemy.Text, nullable=False),
        sqlalchemy.Column("doc", sqlalchemy.Text, nullable=False),
        sqlalchemy.PrimaryKeyConstraint("source"),
        sqlite_with_rowid=False,
    )

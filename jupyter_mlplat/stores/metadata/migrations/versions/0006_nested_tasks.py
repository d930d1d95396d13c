"""Tasks that lie in others: only those that run by themselves are counted."""

import sqlalchemy
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the column; until now every task was a step."""
    op.add_column(
        "task", sqlalchemy.Column("is_step", sqlalchemy.Integer, nullable=False, server_default="1")
    )

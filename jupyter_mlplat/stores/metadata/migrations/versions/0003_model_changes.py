"""Who changed what about a model, and the highest number its versions have had."""

import sqlalchemy
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the table and the column; what is registered keeps its numbers."""
    op.create_table(
        "model_change",
        sqlalchemy.Column("pk", sqlalchemy.Integer, nullable=False),
        sqlalchemy.Column("model", sqlalchemy.Text, nullable=False),
        sqlalchemy.Column("doc", sqlalchemy.Text, nullable=False),
        sqlalchemy.PrimaryKeyConstraint("pk"),
    )
    op.create_index("model_change_model", "model_change", ["model"])
    op.add_column(
        "model",
        sqlalchemy.Column("last_version", sqlalchemy.Integer, nullable=False, server_default="0"),
    )
    op.execute(
        "UPDATE model SET last_version = coalesce("
        "(SELECT max(version) FROM model_version WHERE model_version.model = model.name), 0)"
    )

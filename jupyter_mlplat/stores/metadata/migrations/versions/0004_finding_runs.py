"""What a list of runs is filtered and sorted by: words, tags, durations."""

import sqlalchemy
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns and the table, and fill them from the documents."""
    op.add_column("run", sqlalchemy.Column("duration_s", sqlalchemy.Float))
    op.add_column("run", sqlalchemy.Column("words", sqlalchemy.Text))
    op.execute(
        "UPDATE run SET duration_s = json_extract(doc, '$.duration_s'), words = lower(id || "
        "char(10) || pipeline || char(10) || coalesce(notebook, '') || char(10) || experiment || "
        "char(10) || coalesce((SELECT group_concat(key || '=' || value, char(10)) "
        "FROM json_each(doc, '$.tags')), ''))"
    )
    op.create_index("run_duration", "run", ["duration_s"])
    op.create_index("run_pipeline_name", "run", ["pipeline"])
    op.create_table(
        "run_tag",
        sqlalchemy.Column("name", sqlalchemy.Text, nullable=False),
        sqlalchemy.Column("value", sqlalchemy.Text, nullable=False),
        sqlalchemy.Column("run", sqlalchemy.Integer, nullable=False),
        sqlalchemy.PrimaryKeyConstraint("name", "value", "run"),
        sqlite_with_rowid=False,
    )
    op.create_index("run_tag_run", "run_tag", ["run"])
    op.execute(
        "INSERT INTO run_tag(run, name, value) "
        "SELECT run.number, tag.key, tag.value FROM run, json_each(run.doc, '$.tags') tag"
    )

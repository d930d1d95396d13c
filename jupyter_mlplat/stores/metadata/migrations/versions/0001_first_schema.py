"""The first schema. Files are created directly in it; it is here as the base of later revisions."""

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Do nothing: a file without this schema has none of ours."""

"""Items, answers and leases."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the three tables."""
    op.create_table(
        "items",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("question", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("wanted", sa.Integer, nullable=False),
        sa.Column("priority", sa.Float, nullable=False),
        sa.Column("suggestion", sa.JSON(none_as_null=True)),
        sa.UniqueConstraint("question", "id"),
    )
    op.create_table(
        "answers",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("item", sa.Integer, sa.ForeignKey("items.seq"), nullable=False),
        sa.Column("annotator", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("value", sa.String),
        sa.Column("note", sa.String, nullable=False),
        sa.Column("suggested", sa.String),
        sa.Column("time", sa.Float, nullable=False),
        sa.Column("withdrawn", sa.Boolean, nullable=False),
    )
    op.create_index("answers_of_item", "answers", ["item", "withdrawn"])
    op.create_table(
        "leases",
        sa.Column("item", sa.Integer, sa.ForeignKey("items.seq"), primary_key=True),
        sa.Column("holder", sa.String, primary_key=True),
        sa.Column("annotator", sa.String, nullable=False),
        sa.Column("until", sa.Float, nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    for table in ("leases", "answers", "items"):
        op.drop_table(table)

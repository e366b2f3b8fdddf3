"""Clicks: when the message was sent, regions, corrected verdicts, and what retention has removed

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

RETIRED = {
    "click_series": ("retired_clicks", "retired_people", "retired_link_people"),
    "click_by": (
        "retired_clicks",
        "retired_people",
        "retired_link_people",
        "retired_again_people",
        "retired_again_link_people",
    ),
    "contact_engagement": ("retired_clicks",),
}


def upgrade() -> None:
    # Give up rather than stand in the queue before everybody else's queries.
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("click", sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("click_metadata", sa.Column("region", sa.String(), nullable=True))
    for name in ("first_at", "last_at"):
        op.add_column("click_series", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    for table, names in RETIRED.items():
        for name in names:
            op.add_column(table, sa.Column(name, sa.Integer(), server_default="0", nullable=False))
    op.add_column("click_first", sa.Column("retired", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_table(
        "click_correction",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("click_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("old_verdict", sa.String(), nullable=False),
        sa.Column("old_reason", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("key_id", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_click_correction"),
    )
    op.create_index("ix_click_correction_click_id", "click_correction", ["click_id"])
    op.add_column("organization", sa.Column("click_retention_days", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("organization", "click_retention_days")
    op.drop_table("click_correction")
    op.drop_column("click_first", "retired")
    for table, names in RETIRED.items():
        for name in names:
            op.drop_column(table, name)
    for name in ("first_at", "last_at"):
        op.drop_column("click_series", name)
    op.drop_column("click_metadata", "region")
    op.drop_column("click", "sent_at")

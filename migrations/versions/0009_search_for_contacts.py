"""Search for contacts

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

from models.contacts.search import FIRST_NAME_FIRST, HAS_NAME, LAST_NAME_FIRST

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

KEYS = ("external_id", "email", "phone")
NAMES = {"ix_contact_first_name_first": FIRST_NAME_FIRST, "ix_contact_last_name_first": LAST_NAME_FIRST}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for key in KEYS:
        op.alter_column("contact", key, type_=sa.String(collation="C"), existing_nullable=True)
    for name, words in NAMES.items():
        expression = sa.text(f"({words}) text_pattern_ops")
        op.create_index(name, "contact", ["org_id", expression], postgresql_where=sa.text(HAS_NAME))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name in NAMES:
        op.drop_index(name, table_name="contact")
    for key in KEYS:
        op.alter_column("contact", key, type_=sa.String(collation="default"), existing_nullable=True)

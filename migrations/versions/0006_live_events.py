"""Live events

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# The partition of a row written now. Days take turns, so that an old one can be emptied without a lock on the whole table.
SLOT = "mod((clock_timestamp() AT TIME ZONE 'UTC')::date - DATE '2026-01-01', 4)"
SLOTS = range(4)

# The columns of a live event that are taken from the row which it is about.
OWNERS = {
    "click": "campaign_id, sequence_id, contact_id",
    "message": "campaign_id, sequence_id, contact_id",
    "enrollment": "campaign_id, sequence_id, contact_id",
    "consent": "NULL::uuid, NULL::uuid, contact_id",
    "inbound_message": "NULL::uuid, NULL::uuid, contact_id",
    "campaign": "id, NULL::uuid, NULL::uuid",
}
COLUMNS = "org_id, kind, state, row_id, campaign_id, sequence_id, contact_id"

# One run for one statement, however many rows it has.
OF_STATEMENT = """
CREATE FUNCTION live_{name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO live_event ({columns}) SELECT org_id, '{kind}', {state}, id, {owners} FROM new_rows;
    {notify}
    RETURN NULL;
END
$$
"""
NOTIFY = "IF FOUND THEN PERFORM pg_notify('live_event', ''); END IF;"
INSERTED = {"click": "verdict", "enrollment": "state", "consent": "state", "inbound_message": "meaning"}

# Most changes of these tables are no event, so the condition is asked before the function is called: they cost nothing.
OF_ROW = """
CREATE FUNCTION live_{name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO live_event ({columns}) SELECT org_id, '{kind}', {state}, id, {owners} FROM (SELECT NEW.*) AS row;
    RETURN NULL;
END
$$
"""
SENT = "NEW.state IN ('accepted', 'failed', 'unknown', 'skipped')"
CHANGED = {
    "click_verdict": ("click", "click", "verdict", "UPDATE OF verdict", "OLD.verdict <> NEW.verdict"),
    "message_made": ("message", "message", "state", "INSERT", SENT),
    "message": ("message", "message", "state", "UPDATE OF state", f"OLD.state <> NEW.state AND {SENT}"),
    "report": (
        "message",
        "report",
        "report",
        "UPDATE OF report",
        "NEW.report IS NOT NULL AND OLD.report IS DISTINCT FROM NEW.report",
    ),
    "enrollment_over": (
        "enrollment",
        "enrollment",
        "state",
        "UPDATE OF state",
        "OLD.state <> NEW.state AND NEW.state IN ('completed', 'stopped', 'failed')",
    ),
    "campaign": ("campaign", "campaign", "state", "UPDATE OF state", "OLD.state <> NEW.state"),
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "live_event",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("xid", sa.BigInteger(), server_default=sa.text("pg_current_xact_id()::text::bigint"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("slot", sa.SmallInteger(), server_default=sa.text(SLOT), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("row_id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=True),
        sa.Column("sequence_id", sa.Uuid(), nullable=True),
        sa.Column("contact_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "xid", "id", "slot", name=op.f("pk_live_event")),
        postgresql_partition_by="LIST (slot)",
    )
    for slot in SLOTS:
        op.execute(f"CREATE TABLE live_event_{slot} PARTITION OF live_event FOR VALUES IN ({slot})")
    for table, state in INSERTED.items():
        parts = {"name": table, "kind": table, "state": state, "owners": OWNERS[table], "columns": COLUMNS}
        op.execute(OF_STATEMENT.format(**parts, notify=NOTIFY if table == "click" else ""))
        op.execute(
            f"CREATE TRIGGER live_{table} AFTER INSERT ON {table} REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT "
            f"EXECUTE FUNCTION live_{table}()"
        )
    for name, (table, kind, state, event, condition) in CHANGED.items():
        op.execute(OF_ROW.format(name=f"{name}_changed", kind=kind, state=state, owners=OWNERS[table], columns=COLUMNS))
        op.execute(
            f"CREATE TRIGGER live_{name}_changed AFTER {event} ON {table} FOR EACH ROW WHEN ({condition}) "
            f"EXECUTE FUNCTION live_{name}_changed()"
        )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name, (table, *_) in CHANGED.items():
        op.execute(f"DROP TRIGGER live_{name}_changed ON {table}")
        op.execute(f"DROP FUNCTION live_{name}_changed()")
    for table in INSERTED:
        op.execute(f"DROP TRIGGER live_{table} ON {table}")
        op.execute(f"DROP FUNCTION live_{table}()")
    op.drop_table("live_event")

"""Channels that send, consent and inbound messages

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Whoever writes messages, `report_count` equals them. It runs for messages that get another report, and for no other statement.
COUNT_REPORTS = """
CREATE FUNCTION count_report() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO report_count AS kept (content_id, report, slot, messages)
    SELECT content_id, report, counter_slot(), change
      FROM (VALUES (OLD.content_id, OLD.report, -1), (NEW.content_id, NEW.report, 1)) AS changes (content_id, report, change)
     WHERE report IS NOT NULL
        ON CONFLICT (content_id, report, slot) DO UPDATE SET messages = kept.messages + excluded.messages;
    RETURN NULL;
END
$$
"""
CHANGES_REPORT = {
    "INSERT": "NEW.report IS NOT NULL",
    "UPDATE OF report": "OLD.report IS DISTINCT FROM NEW.report",
    "DELETE": "OLD.report IS NOT NULL",
}


def upgrade() -> None:
    # Give up rather than stand in the queue before everybody else's queries.
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("ix_simulator_inbox_channel_id", table_name="simulator_inbox")
    op.create_index("ix_simulator_inbox_channel_id_id", "simulator_inbox", ["channel_id", "id"], unique=False)
    op.create_index(
        "ix_simulator_inbox_channel_id_to_address_id", "simulator_inbox", ["channel_id", "to_address", "id"], unique=False
    )
    op.create_table(
        "suppression",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("medium", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=True),
        sa.Column("address_hash", sa.LargeBinary(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=True),
        sa.Column("message_kind", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=True),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lift_reason", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["channel_id"], ["channel.id"], name=op.f("fk_suppression_channel_id")),
        sa.ForeignKeyConstraint(["org_id"], ["organization.id"], name=op.f("fk_suppression_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppression")),
    )
    op.create_index("ix_suppression_org_id_address_hash", "suppression", ["org_id", "address_hash"], unique=False)
    op.create_index("ix_suppression_org_id_medium_reason_id", "suppression", ["org_id", "medium", "reason", "id"], unique=False)
    op.create_index(
        "ix_suppression_held",
        "suppression",
        ["org_id", "medium", "reason", "id"],
        unique=False,
        postgresql_where=sa.text("lifted_at IS NULL"),
    )
    op.create_index(
        "uq_suppression_org_id_address_hash",
        "suppression",
        ["org_id", "address_hash", "channel_id", "message_kind"],
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("lifted_at IS NULL"),
    )
    op.create_table(
        "channel_pace",
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("tokens", sa.Float(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("waits_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("slow_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("slowed", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["channel_id"], ["channel.id"], name=op.f("fk_channel_pace_channel_id")),
        sa.PrimaryKeyConstraint("channel_id", "domain", name=op.f("pk_channel_pace")),
    )
    op.create_table(
        "policy_refusal",
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("refused_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["channel_id"], ["channel.id"], name=op.f("fk_policy_refusal_channel_id")),
        sa.PrimaryKeyConstraint("channel_id", "recipient", name=op.f("pk_policy_refusal")),
    )
    op.create_table(
        "consent",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("medium", sa.String(), nullable=True),
        sa.Column("channel_id", sa.Uuid(), nullable=True),
        sa.Column("message_kind", sa.String(), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("proof", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["channel_id"], ["channel.id"], name=op.f("fk_consent_channel_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_consent_contact_id")),
        sa.ForeignKeyConstraint(["org_id"], ["organization.id"], name=op.f("fk_consent_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
    )
    op.create_index("ix_consent_contact_id_given_at_id", "consent", ["contact_id", "given_at", "id"], unique=False)
    op.create_table(
        "inbound_message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=True),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("from_address", sa.String(), nullable=True),
        sa.Column("to_address", sa.String(), nullable=True),
        sa.Column("body", sa.String(), nullable=True),
        sa.Column("provider_id", sa.String(), nullable=False),
        sa.Column("meaning", sa.String(), nullable=False),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision", sa.String(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["channel_id"], ["channel.id"], name=op.f("fk_inbound_message_channel_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_inbound_message_contact_id")),
        sa.ForeignKeyConstraint(["org_id"], ["organization.id"], name=op.f("fk_inbound_message_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound_message")),
    )
    op.create_index(
        "ix_inbound_message_answered",
        "inbound_message",
        ["channel_id", "from_address", "id"],
        unique=False,
        postgresql_where=sa.text("answer IS NOT NULL"),
    )
    op.create_index("ix_inbound_message_contact_id_id", "inbound_message", ["contact_id", "id"], unique=False)
    op.create_index("ix_inbound_message_org_id_meaning_id", "inbound_message", ["org_id", "meaning", "id"], unique=False)
    op.create_index("ix_inbound_message_channel_id_meaning_id", "inbound_message", ["channel_id", "meaning", "id"], unique=False)
    op.create_index(
        "ix_inbound_message_pending_of_organization",
        "inbound_message",
        ["org_id", "id"],
        unique=False,
        postgresql_where=sa.text("meaning = 'perhaps_refusal' AND decided_at IS NULL"),
    )
    op.create_index(
        "ix_inbound_message_pending",
        "inbound_message",
        ["contact_id"],
        unique=False,
        postgresql_where=sa.text("meaning = 'perhaps_refusal' AND decided_at IS NULL"),
    )
    op.create_index("uq_inbound_message_channel_id_provider_id", "inbound_message", ["channel_id", "provider_id"], unique=True)
    op.create_table(
        "message_report",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("event_key", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("detail", sa.String(), nullable=True),
        sa.Column("address_hash", sa.LargeBinary(), nullable=True),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_message_report_message_id")),
        sa.ForeignKeyConstraint(["org_id"], ["organization.id"], name=op.f("fk_message_report_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_report")),
    )
    op.create_index(
        "ix_message_report_org_id_address_hash_reported_at",
        "message_report",
        ["org_id", "address_hash", "reported_at"],
        unique=False,
        postgresql_where=sa.text("address_hash IS NOT NULL"),
    )
    op.create_index("uq_message_report_message_id_event_key", "message_report", ["message_id", "event_key"], unique=True)
    op.add_column(
        "channel", sa.Column("config", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False)
    )
    op.add_column("channel", sa.Column("secrets", sa.LargeBinary(), nullable=True))
    op.add_column("channel", sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("channel", sa.Column("pause_reason", sa.String(), nullable=True))
    op.add_column("channel", sa.Column("resumed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("channel", sa.Column("tested_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("channel", sa.Column("test_error", sa.String(), nullable=True))
    op.add_column("channel", sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("channel", sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False))
    op.add_column("organization", sa.Column("shared_mailboxes", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("contact", sa.Column("mailbox_of", sa.Uuid(), nullable=True))
    op.drop_index("uq_contact_email", table_name="contact")
    op.create_index(
        "uq_contact_email",
        "contact",
        ["org_id", "email", "mailbox_of"],
        unique=True,
        postgresql_where=sa.text("email IS NOT NULL"),
        postgresql_nulls_not_distinct=True,
    )
    op.add_column("contact", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("content", sa.Column("message_kind", sa.String(), server_default="marketing", nullable=False))
    op.add_column("content", sa.Column("valid_for", sa.Interval(), nullable=True))
    op.add_column("message", sa.Column("message_kind", sa.String(), server_default="marketing", nullable=False))
    op.add_column("message", sa.Column("unsubscribe_url", sa.String(), nullable=True))
    op.add_column("message", sa.Column("units", sa.Integer(), nullable=True))
    op.add_column("message", sa.Column("report", sa.String(), nullable=True))
    op.add_column("message", sa.Column("report_code", sa.String(), nullable=True))
    op.add_column("message", sa.Column("reported_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("message", sa.Column("late_after", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_message_org_id_report_id",
        "message",
        ["org_id", "report", "id"],
        unique=False,
        postgresql_where=sa.text("report IN ('failed', 'bounced', 'replied', 'complained')"),
    )
    op.create_table(
        "report_count",
        sa.Column("content_id", sa.Integer(), nullable=False),
        sa.Column("report", sa.String(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("content_id", "report", "slot", name=op.f("pk_report_count")),
    )
    op.execute(COUNT_REPORTS)
    op.create_table(
        "waiting_report",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("event_key", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("detail", sa.String(), nullable=True),
        sa.Column("fault", sa.String(), nullable=True),
        sa.Column("soft", sa.Boolean(), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["channel_id"], ["channel.id"], name=op.f("fk_waiting_report_channel_id")),
        sa.ForeignKeyConstraint(["org_id"], ["organization.id"], name=op.f("fk_waiting_report_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waiting_report")),
    )
    op.create_index("ix_waiting_report_due_at", "waiting_report", ["due_at"], unique=False)
    op.create_index("uq_waiting_report", "waiting_report", ["channel_id", "provider_id", "event_key"], unique=True)
    for event, changed in CHANGES_REPORT.items():
        op.execute(
            f"CREATE TRIGGER message_report_counted_{event.split()[0].lower()} AFTER {event} ON message FOR EACH ROW "
            f"WHEN ({changed}) EXECUTE FUNCTION count_report()"
        )
    op.create_index(
        "ix_message_channel_id_provider_id",
        "message",
        ["channel_id", "provider_id"],
        unique=False,
        postgresql_where=sa.text("provider_id IS NOT NULL"),
    )
    op.create_index(
        "ix_message_waits_for_channel", "message", ["channel_id"], unique=False, postgresql_where=sa.text("state = 'planned'")
    )
    op.create_index(
        "ix_message_failed_by_channel",
        "message",
        ["channel_id", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'failed'"),
    )
    op.create_index(
        "ix_channel_paused_at", "channel", ["paused_at"], unique=False, postgresql_where=sa.text("paused_at IS NOT NULL")
    )
    op.add_column("sequence", sa.Column("leave_on_opt_out", sa.Boolean(), server_default="true", nullable=False))
    op.add_column("sequence", sa.Column("end_on_reply", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("enrollment", sa.Column("waits_for", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("fk_enrollment_waits_for"), "enrollment", "channel", ["waits_for"], ["id"])
    op.create_index(
        "ix_enrollment_waits_for",
        "enrollment",
        ["waits_for"],
        unique=False,
        postgresql_where=sa.text("waits_for IS NOT NULL"),
    )
    op.add_column("organization", sa.Column("consent_required", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False))
    op.add_column("organization", sa.Column("opt_out_scope", sa.String(), server_default="everything", nullable=False))
    op.add_column("organization", sa.Column("answers_words", sa.String(), server_default="by_us", nullable=False))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("ix_simulator_inbox_channel_id_to_address_id", table_name="simulator_inbox")
    op.drop_index("ix_simulator_inbox_channel_id_id", table_name="simulator_inbox")
    op.create_index("ix_simulator_inbox_channel_id", "simulator_inbox", ["channel_id"], unique=False)
    op.drop_index("uq_contact_email", table_name="contact")
    op.create_index(
        "uq_contact_email", "contact", ["org_id", "email"], unique=True, postgresql_where=sa.text("email IS NOT NULL")
    )
    op.drop_column("contact", "mailbox_of")
    op.drop_column("organization", "shared_mailboxes")
    op.drop_column("organization", "answers_words")
    op.drop_column("organization", "opt_out_scope")
    op.drop_column("organization", "consent_required")
    op.drop_index("ix_enrollment_waits_for", table_name="enrollment", postgresql_where=sa.text("waits_for IS NOT NULL"))
    op.drop_constraint(op.f("fk_enrollment_waits_for"), "enrollment", type_="foreignkey")
    op.drop_column("enrollment", "waits_for")
    op.drop_column("sequence", "end_on_reply")
    op.drop_column("sequence", "leave_on_opt_out")
    op.drop_index("ix_channel_paused_at", table_name="channel", postgresql_where=sa.text("paused_at IS NOT NULL"))
    op.drop_index("ix_message_failed_by_channel", table_name="message", postgresql_where=sa.text("state = 'failed'"))
    op.drop_index("ix_message_waits_for_channel", table_name="message", postgresql_where=sa.text("state = 'planned'"))
    op.drop_index("ix_message_channel_id_provider_id", table_name="message", postgresql_where=sa.text("provider_id IS NOT NULL"))
    op.drop_index("uq_waiting_report", table_name="waiting_report")
    op.drop_index("ix_waiting_report_due_at", table_name="waiting_report")
    op.drop_table("waiting_report")
    for event in CHANGES_REPORT:
        op.execute(f"DROP TRIGGER message_report_counted_{event.split()[0].lower()} ON message")
    op.execute("DROP FUNCTION count_report()")
    op.drop_table("report_count")
    op.drop_index(
        "ix_message_org_id_report_id",
        table_name="message",
        postgresql_where=sa.text("report IN ('failed', 'bounced', 'replied', 'complained')"),
    )
    op.drop_column("message", "late_after")
    op.drop_column("message", "reported_at")
    op.drop_column("message", "report_code")
    op.drop_column("message", "report")
    op.drop_column("message", "units")
    op.drop_column("message", "unsubscribe_url")
    op.drop_column("message", "message_kind")
    op.drop_column("content", "valid_for")
    op.drop_column("content", "message_kind")
    op.drop_column("contact", "erased_at")
    op.drop_column("channel", "updated_at")
    op.drop_column("channel", "archived_at")
    op.drop_column("channel", "test_error")
    op.drop_column("channel", "tested_at")
    op.drop_column("channel", "resumed_at")
    op.drop_column("channel", "pause_reason")
    op.drop_column("channel", "paused_at")
    op.drop_column("channel", "secrets")
    op.drop_column("channel", "config")
    op.drop_index("uq_message_report_message_id_event_key", table_name="message_report")
    op.drop_index(
        "ix_message_report_org_id_address_hash_reported_at",
        table_name="message_report",
        postgresql_where=sa.text("address_hash IS NOT NULL"),
    )
    op.drop_table("message_report")
    op.drop_index("uq_inbound_message_channel_id_provider_id", table_name="inbound_message")
    op.drop_index(
        "ix_inbound_message_pending",
        table_name="inbound_message",
        postgresql_where=sa.text("meaning = 'perhaps_refusal' AND decided_at IS NULL"),
    )
    op.drop_index(
        "ix_inbound_message_pending_of_organization",
        table_name="inbound_message",
        postgresql_where=sa.text("meaning = 'perhaps_refusal' AND decided_at IS NULL"),
    )
    op.drop_index("ix_inbound_message_channel_id_meaning_id", table_name="inbound_message")
    op.drop_index("ix_inbound_message_org_id_meaning_id", table_name="inbound_message")
    op.drop_index("ix_inbound_message_contact_id_id", table_name="inbound_message")
    op.drop_index("ix_inbound_message_answered", table_name="inbound_message", postgresql_where=sa.text("answer IS NOT NULL"))
    op.drop_table("inbound_message")
    op.drop_index("ix_consent_contact_id_given_at_id", table_name="consent")
    op.drop_table("consent")
    op.drop_table("policy_refusal")
    op.drop_table("channel_pace")
    op.drop_index("uq_suppression_org_id_address_hash", table_name="suppression", postgresql_where=sa.text("lifted_at IS NULL"))
    op.drop_index("ix_suppression_held", table_name="suppression", postgresql_where=sa.text("lifted_at IS NULL"))
    op.drop_index("ix_suppression_org_id_medium_reason_id", table_name="suppression")
    op.drop_index("ix_suppression_org_id_address_hash", table_name="suppression")
    op.drop_table("suppression")

"""The first tables

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Whoever writes a contact's tags, `contact_tag` has them.
KEEP_CONTACT_TAGS = """
CREATE FUNCTION keep_contact_tags() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM contact_tag WHERE org_id = OLD.org_id AND tag = ANY(OLD.tags) AND contact_id = OLD.id;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO contact_tag (org_id, tag, contact_id)
        SELECT DISTINCT NEW.org_id, tag, NEW.id FROM unnest(NEW.tags) AS tag;
    END IF;
    RETURN NULL;
END
$$
"""
TAGS_CHANGE = {
    "INSERT": "cardinality(NEW.tags) > 0",
    "UPDATE": "OLD.tags IS DISTINCT FROM NEW.tags",
    "DELETE": "cardinality(OLD.tags) > 0",
}

# A slot of a counter that no other open transaction writes into, until this transaction ends: nobody waits for a counter, so
# counters cannot deadlock. With more than 16 writers at once, the others use a slot of their own backend.
COUNTER_SLOT = """
CREATE FUNCTION counter_slot() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    slot integer;
BEGIN
    FOR step IN 0..15 LOOP
        slot := (pg_backend_pid() + step) % 16;
        IF pg_try_advisory_xact_lock(7246512, slot) THEN
            RETURN slot;
        END IF;
    END LOOP;
    RETURN -pg_backend_pid();
END
$$
"""
# Whoever writes rows of a table, its counter equals them. One run for one statement, however many rows it has.
COUNT_ROWS = """
CREATE FUNCTION count_{table}_{event}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO {counter} AS kept ({key}, slot, {number})
    SELECT {key}, counter_slot(), change FROM (
        SELECT {key}, sum(sign) AS change FROM ({changed}) AS changed ({key}, sign) GROUP BY {key} HAVING sum(sign) <> 0
    ) AS changes
    ON CONFLICT ({key}, slot) DO UPDATE SET {number} = kept.{number} + excluded.{number};
    RETURN NULL;
END
$$
"""
ROWS_CHANGE = {
    "insert": ("SELECT {values}, 1 FROM new_rows", "NEW TABLE AS new_rows"),
    "update": (
        "SELECT {values}, -1 FROM old_rows UNION ALL SELECT {values}, 1 FROM new_rows",
        "OLD TABLE AS old_rows NEW TABLE AS new_rows",
    ),
    "delete": ("SELECT {values}, -1 FROM old_rows", "OLD TABLE AS old_rows"),
}


def count_rows(table: str, counter: str, number: str, key: str, values: str) -> None:
    """Lets the table's rows be counted in the counter's column `number`, by its columns `key`, which are `values` of a row."""
    for event, (changed, rows) in ROWS_CHANGE.items():
        parts = {"table": table, "counter": counter, "number": number, "key": key, "changed": changed.format(values=values)}
        op.execute(COUNT_ROWS.format(event=event, **parts))
        op.execute(
            f"CREATE TRIGGER {table}_counted_{event} AFTER {event} ON {table} REFERENCING {rows} FOR EACH STATEMENT "
            f"EXECUTE FUNCTION count_{table}_{event}()"
        )


def stop_counting(table: str) -> None:
    """After the table is gone."""
    for event in ROWS_CHANGE:
        op.execute(f"DROP FUNCTION count_{table}_{event}()")


def upgrade() -> None:
    # Give up rather than stand in the queue before everybody else's queries.
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "click",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("clicked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=True),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("content_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=True),
        sa.Column("sequence_id", sa.Uuid(), nullable=True),
        sa.Column("enrollment_id", sa.Uuid(), nullable=True),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_click")),
        postgresql_partition_by="RANGE (id)",
    )
    op.create_index("ix_click_campaign_id_verdict_id", "click", ["campaign_id", "verdict", "id"], unique=False)
    op.create_index("ix_click_contact_id_id", "click", ["contact_id", "id"], unique=False)
    op.create_index("ix_click_enrollment_id", "click", ["enrollment_id"], unique=False)
    op.create_index("ix_click_org_id_verdict_id", "click", ["org_id", "verdict", "id"], unique=False)
    op.create_index(
        "ix_click_sequence_id_verdict_id",
        "click",
        ["sequence_id", "verdict", "id"],
        unique=False,
        postgresql_where=sa.text("sequence_id IS NOT NULL"),
    )
    op.create_index(
        "ix_click_link_id_verdict_id",
        "click",
        ["link_id", "verdict", "id"],
        unique=False,
        postgresql_where=sa.text("campaign_id IS NULL AND sequence_id IS NULL"),
    )
    op.create_table(
        "click_first",
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("scope_id", sa.Uuid(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("click_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "scope_id", "verdict", "contact_id", name=op.f("pk_click_first")),
    )
    op.create_table(
        "contact_engagement",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("clicks", sa.Integer(), nullable=False),
        sa.Column("last_click_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "contact_id", name=op.f("pk_contact_engagement")),
    )
    op.create_table(
        "click_flood",
        sa.Column("content_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("clicks", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("content_id", "position", "hour", name=op.f("pk_click_flood")),
    )
    op.create_table(
        "click_inbox",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("content_id", sa.Integer(), nullable=False),
        sa.Column("recipient_number", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("clicked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("ip", sa.String(), nullable=True),
        sa.Column("user_agent", sa.String(), nullable=True),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_click_inbox")),
    )
    op.create_index(
        "ix_click_inbox_held",
        "click_inbox",
        ["content_id", "recipient_number"],
        unique=False,
        postgresql_where=sa.text("held_until IS NOT NULL"),
    )
    op.create_index(
        "ix_click_inbox_org_id_id",
        "click_inbox",
        ["org_id", "id"],
        unique=False,
        postgresql_where=sa.text("held_until IS NULL"),
    )
    op.create_table(
        "click_metadata",
        sa.Column("click_id", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("country", sa.String(), nullable=True),
        sa.Column("city", sa.String(), nullable=True),
        sa.Column("device_type", sa.String(), nullable=False),
        sa.Column("browser", sa.String(), nullable=True),
        sa.Column("os", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("click_id", name=op.f("pk_click_metadata")),
    )
    op.create_index("ix_click_metadata_country", "click_metadata", ["org_id", "country", "verdict", "click_id"], unique=False)
    op.create_index(
        "ix_click_metadata_device_type", "click_metadata", ["org_id", "device_type", "verdict", "click_id"], unique=False
    )
    op.create_table(
        "click_rejected",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("content_id", sa.Integer(), nullable=False),
        sa.Column("recipient_number", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("clicked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("problem", sa.String(), nullable=False),
        sa.Column("rejected_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_click_rejected")),
    )
    op.create_table(
        "click_by",
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("scope_id", sa.Uuid(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("dimension", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("clicks", sa.Integer(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("link_people", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "scope_id", "link_id", "verdict", "dimension", "value", name=op.f("pk_click_by")),
    )
    op.create_table(
        "click_series",
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("scope_id", sa.Uuid(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("bucket", sa.DateTime(timezone=True), nullable=False),
        sa.Column("clicks", sa.Integer(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("link_people", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "scope_id", "link_id", "verdict", "bucket", name=op.f("pk_click_series")),
    )
    op.create_table(
        "heartbeat",
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("instance", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("role", "instance", name=op.f("pk_heartbeat")),
    )
    op.create_table(
        "organization",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("link_tracking", sa.Boolean(), nullable=False),
        sa.Column("link_tracking_metadata", sa.Boolean(), nullable=False),
        sa.Column("link_domain", sa.String(), nullable=True),
        sa.Column("fallback_url", sa.String(), nullable=True),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("limits", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organization")),
    )
    op.create_table(
        "content_usage",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("made", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["org_id"], ["organization.id"], name=op.f("fk_content_usage_org_id")),
        sa.PrimaryKeyConstraint("org_id", "day", name=op.f("pk_content_usage")),
    )
    op.create_table(
        "link_domain",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("secret", sa.String(), nullable=False),
        sa.Column("proof", sa.String(), nullable=True),
        sa.Column("held_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["org_id"], ["organization.id"], name=op.f("fk_link_domain_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link_domain")),
    )
    op.create_index(
        "uq_link_domain_held", "link_domain", ["host"], unique=True, postgresql_where=sa.text("held_since IS NOT NULL")
    )
    op.create_index("uq_link_domain_org_id_host", "link_domain", ["org_id", "host"], unique=True)
    op.create_table(
        "signal_outbox",
        sa.Column("content_id", sa.Integer(), nullable=False),
        sa.Column("recipient_number", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("click_id", sa.Uuid(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("marked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("content_id", "recipient_number", "position", name=op.f("pk_signal_outbox")),
    )
    op.create_index(
        "ix_signal_outbox_open", "signal_outbox", ["due_at"], unique=False, postgresql_where=sa.text("outcome IS NULL")
    )
    op.create_table(
        "api_key",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["org_id"], ["organization.id"], name=op.f("fk_api_key_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
    )
    op.create_index(op.f("ix_api_key_org_id"), "api_key", ["org_id"], unique=False)
    op.create_table(
        "audit_log",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=True),
        sa.Column("target_kind", sa.String(), nullable=False),
        sa.Column("target_id", sa.String(), nullable=True),
        sa.Column("request_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["org_id"], ["organization.id"], name=op.f("fk_audit_log_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
    )
    op.create_index("ix_audit_log_org_id_action_id", "audit_log", ["org_id", "action", "id"], unique=False)
    op.create_index("ix_audit_log_org_id_id", "audit_log", ["org_id", "id"], unique=False)
    op.create_index("ix_audit_log_org_id_key_id_id", "audit_log", ["org_id", "key_id", "id"], unique=False)
    op.create_index("ix_audit_log_org_id_target_id_id", "audit_log", ["org_id", "target_id", "id"], unique=False)
    op.create_table(
        "channel",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("medium", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["org_id"], ["organization.id"], name=op.f("fk_channel_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel")),
        sa.UniqueConstraint("org_id", "name", name=op.f("uq_channel_org_id_name")),
    )
    op.create_table(
        "notification_target",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("shown", sa.String(), nullable=False),
        sa.Column("address", sa.LargeBinary(), nullable=True),
        sa.Column("text", sa.String(), nullable=True),
        sa.Column("quiet_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_success_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_failure_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["org_id"], ["organization.id"], name=op.f("fk_notification_target_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification_target")),
    )
    op.create_index(
        "ix_notification_target_failing",
        "notification_target",
        ["org_id"],
        unique=False,
        postgresql_where=sa.text("failing_since IS NOT NULL"),
    )
    op.create_index("ix_notification_target_org_id_id", "notification_target", ["org_id", "id"], unique=False)
    op.create_index(
        "uq_notification_target_name",
        "notification_target",
        ["org_id", "name"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_table(
        "notification",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("target_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("items_kept", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["org_id"], ["organization.id"], name=op.f("fk_notification_org_id")),
        sa.ForeignKeyConstraint(["target_id"], ["notification_target.id"], name=op.f("fk_notification_target_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification")),
    )
    op.create_index("ix_notification_due", "notification", ["due_at"], unique=False, postgresql_where=sa.text("state = 'open'"))
    op.create_index(
        "ix_notification_given_up",
        "notification",
        ["finished_at"],
        unique=False,
        postgresql_where=sa.text("items_kept AND state = 'failed'"),
    )
    op.create_index(
        "ix_notification_items_kept",
        "notification",
        ["finished_at"],
        unique=False,
        postgresql_where=sa.text("items_kept AND state = 'sent'"),
    )
    op.create_index("ix_notification_target_id_id", "notification", ["target_id", "id"], unique=False)
    op.create_index(
        "uq_notification_open", "notification", ["target_id"], unique=True, postgresql_where=sa.text("state = 'open'")
    )
    op.create_table(
        "notification_item",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("target_id", sa.Uuid(), nullable=False),
        sa.Column("notification_id", sa.Uuid(), nullable=True),
        sa.Column("firing_id", sa.Uuid(), nullable=True),
        sa.Column("action_position", sa.Integer(), nullable=True),
        sa.Column("enrollment_id", sa.Uuid(), nullable=True),
        sa.Column("step_run", sa.Integer(), nullable=True),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("link_name", sa.String(), nullable=True),
        sa.Column("happened", sa.String(), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.String(), nullable=True),
        sa.Column("place", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("text", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["org_id"], ["organization.id"], name=op.f("fk_notification_item_org_id")),
        sa.ForeignKeyConstraint(["target_id"], ["notification_target.id"], name=op.f("fk_notification_item_target_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification_item")),
    )
    op.create_index(
        "ix_notification_item_told",
        "notification_item",
        ["notification_id", "id"],
        unique=False,
        postgresql_where=sa.text("notification_id IS NOT NULL"),
    )
    op.create_index(
        "ix_notification_item_waiting",
        "notification_item",
        ["target_id", "id"],
        unique=False,
        postgresql_where=sa.text("notification_id IS NULL"),
    )
    op.create_index(
        "uq_notification_item_firing",
        "notification_item",
        ["firing_id", "action_position"],
        unique=True,
        postgresql_where=sa.text("firing_id IS NOT NULL"),
    )
    op.create_index(
        "uq_notification_item_step_run",
        "notification_item",
        ["enrollment_id", "step_run"],
        unique=True,
        postgresql_where=sa.text("enrollment_id IS NOT NULL"),
    )
    op.create_table(
        "contact",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("phone", sa.String(), nullable=True),
        sa.Column("first_name", sa.String(), nullable=True),
        sa.Column("last_name", sa.String(), nullable=True),
        sa.Column("time_zone", sa.String(), nullable=True),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("properties", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["org_id"], ["organization.id"], name=op.f("fk_contact_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact")),
    )
    op.create_index("ix_contact_org_id_id", "contact", ["org_id", "id"], unique=False)
    op.create_index(
        "uq_contact_email", "contact", ["org_id", "email"], unique=True, postgresql_where=sa.text("email IS NOT NULL")
    )
    op.create_index(
        "uq_contact_external_id",
        "contact",
        ["org_id", "external_id"],
        unique=True,
        postgresql_where=sa.text("external_id IS NOT NULL"),
    )
    op.create_index(
        "uq_contact_phone", "contact", ["org_id", "phone"], unique=True, postgresql_where=sa.text("phone IS NOT NULL")
    )
    op.create_table(
        "contact_tag",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("tag", sa.String(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "tag", "contact_id", name=op.f("pk_contact_tag")),
    )
    op.execute(KEEP_CONTACT_TAGS)
    for event, condition in TAGS_CHANGE.items():
        op.execute(
            f"CREATE TRIGGER contact_tags_{event.lower()} AFTER {event} ON contact FOR EACH ROW WHEN ({condition}) "
            "EXECUTE FUNCTION keep_contact_tags()"
        )
    op.create_table(
        "contact_import",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("csv", sa.String(), nullable=False),
        sa.Column("encoding", sa.String(), nullable=False),
        sa.Column("options", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("processed", sa.Integer(), nullable=False),
        sa.Column("created", sa.Integer(), nullable=False),
        sa.Column("updated", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("incomplete", sa.Integer(), nullable=False),
        sa.Column("errors", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("workflow_started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("start_due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("start_attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["org_id"], ["organization.id"], name=op.f("fk_contact_import_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_import")),
    )
    op.create_index(
        "ix_contact_import_open",
        "contact_import",
        ["org_id", "id"],
        unique=False,
        postgresql_where=sa.text("state IN ('waiting', 'running')"),
    )
    op.create_index("ix_contact_import_org_id_id", "contact_import", ["org_id", "id"], unique=False)
    op.create_index(
        "uq_contact_import_running", "contact_import", ["org_id"], unique=True, postgresql_where=sa.text("state = 'running'")
    )
    op.create_table(
        "idempotency_key",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["org_id"], ["organization.id"], name=op.f("fk_idempotency_key_org_id")),
        sa.PrimaryKeyConstraint("org_id", "key", name=op.f("pk_idempotency_key")),
    )
    op.create_index(op.f("ix_idempotency_key_created_at"), "idempotency_key", ["created_at"], unique=False)
    op.create_table(
        "segment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("definition", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["org_id"], ["organization.id"], name=op.f("fk_segment_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_segment")),
    )
    op.create_index("ix_segment_org_id_id", "segment", ["org_id", "id"], unique=False)
    op.create_table(
        "sequence",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("link_tracking", sa.Boolean(), nullable=True),
        sa.Column("re_entry", sa.String(), nullable=False),
        sa.Column("re_entry_limit", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("draft", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["org_id"], ["organization.id"], name=op.f("fk_sequence_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sequence")),
    )
    op.create_index(op.f("ix_sequence_org_id"), "sequence", ["org_id"], unique=False)
    op.create_table(
        "sequence_version",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("sequence_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("definition", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["org_id"], ["organization.id"], name=op.f("fk_sequence_version_org_id")),
        sa.ForeignKeyConstraint(["sequence_id"], ["sequence.id"], name=op.f("fk_sequence_version_sequence_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sequence_version")),
        sa.UniqueConstraint("sequence_id", "version", name=op.f("uq_sequence_version_sequence_id_version")),
    )
    op.create_table(
        "sequence_enrolls",
        sa.Column("sequence_id", sa.Uuid(), nullable=False),
        sa.Column("target_id", sa.Uuid(), nullable=False),
        sa.Column("waits", sa.Interval(), nullable=False),
        sa.ForeignKeyConstraint(["sequence_id"], ["sequence.id"], name=op.f("fk_sequence_enrolls_sequence_id")),
        sa.PrimaryKeyConstraint("sequence_id", "target_id", name=op.f("pk_sequence_enrolls")),
    )
    op.create_table(
        "simulator_inbox",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("to_address", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("html", sa.String(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["channel_id"], ["channel.id"], name=op.f("fk_simulator_inbox_channel_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_simulator_inbox")),
    )
    op.create_index(op.f("ix_simulator_inbox_channel_id"), "simulator_inbox", ["channel_id"], unique=False)
    op.create_index(op.f("ix_simulator_inbox_message_id"), "simulator_inbox", ["message_id"], unique=False)
    op.create_index(op.f("ix_simulator_inbox_to_address"), "simulator_inbox", ["to_address"], unique=False)
    op.create_table(
        "content",
        sa.Column("id", sa.Integer(), sa.Identity(always=False, maxvalue=67108863), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=True),
        sa.Column("campaign_id", sa.Uuid(), nullable=True),
        sa.Column("sequence_id", sa.Uuid(), nullable=True),
        sa.Column("sequence_version_id", sa.Uuid(), nullable=True),
        sa.Column("step_key", sa.String(), nullable=True),
        sa.Column("trigger_id", sa.Uuid(), nullable=True),
        sa.Column("action_position", sa.Integer(), nullable=True),
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("html", sa.String(), nullable=True),
        sa.Column("wakes", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("next_recipient_number", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["channel_id"], ["channel.id"], name=op.f("fk_content_channel_id")),
        sa.ForeignKeyConstraint(["org_id"], ["organization.id"], name=op.f("fk_content_org_id")),
        sa.ForeignKeyConstraint(["sequence_version_id"], ["sequence_version.id"], name=op.f("fk_content_sequence_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_content")),
    )
    op.create_index(op.f("ix_content_campaign_id"), "content", ["campaign_id"], unique=False)
    op.create_index(op.f("ix_content_sequence_id"), "content", ["sequence_id"], unique=False)
    op.create_index(op.f("ix_content_sequence_version_id"), "content", ["sequence_version_id"], unique=False)
    op.create_index(
        "uq_content_trigger_id_action_position",
        "content",
        ["trigger_id", "action_position"],
        unique=True,
        postgresql_where=sa.text("trigger_id IS NOT NULL"),
    )
    op.create_table(
        "campaign",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("message", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("audience", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("segments", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("link_tracking", sa.Boolean(), nullable=True),
        sa.Column("link_domain", sa.String(), nullable=True),
        sa.Column("utm", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("utm_overwrite", sa.Boolean(), nullable=False),
        sa.Column("triggers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("content_id", sa.Integer(), nullable=True),
        sa.Column("recipients", sa.Integer(), nullable=True),
        sa.Column("launched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("workflow_started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("start_due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("start_attempts", sa.Integer(), nullable=False),
        sa.Column("tracking_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("digest_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["channel_id"], ["channel.id"], name=op.f("fk_campaign_channel_id")),
        sa.ForeignKeyConstraint(["content_id"], ["content.id"], name=op.f("fk_campaign_content_id")),
        sa.ForeignKeyConstraint(["org_id"], ["organization.id"], name=op.f("fk_campaign_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign")),
    )
    op.create_index(op.f("ix_campaign_org_id"), "campaign", ["org_id"], unique=False)
    op.create_table(
        "content_link",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("content_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("written", sa.String(), nullable=True),
        sa.Column("merge", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["content_id"], ["content.id"], name=op.f("fk_content_link_content_id")),
        sa.ForeignKeyConstraint(["org_id"], ["organization.id"], name=op.f("fk_content_link_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_content_link")),
        sa.UniqueConstraint("content_id", "position", name=op.f("uq_content_link_content_id_position")),
    )
    op.create_table(
        "message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("content_id", sa.Integer(), nullable=False),
        sa.Column("recipient_number", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=True),
        sa.Column("sequence_id", sa.Uuid(), nullable=True),
        sa.Column("enrollment_id", sa.Uuid(), nullable=True),
        sa.Column("step_key", sa.String(), nullable=True),
        sa.Column("step_run", sa.Integer(), nullable=True),
        sa.Column("firing_id", sa.Uuid(), nullable=True),
        sa.Column("action_position", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("tracked", sa.Boolean(), nullable=False),
        sa.Column("to_address", sa.String(), nullable=True),
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("body", sa.String(), nullable=True),
        sa.Column("html", sa.String(), nullable=True),
        sa.Column("provider_id", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sending_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["channel_id"], ["channel.id"], name=op.f("fk_message_channel_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_message_contact_id")),
        sa.ForeignKeyConstraint(["content_id"], ["content.id"], name=op.f("fk_message_content_id")),
        sa.ForeignKeyConstraint(["org_id"], ["organization.id"], name=op.f("fk_message_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
    )
    op.create_index("ix_message_contact_id_id", "message", ["contact_id", "id"], unique=False)
    op.create_index(
        "ix_message_content_id_accepted_at_id",
        "message",
        ["content_id", "accepted_at", "id"],
        unique=False,
        postgresql_where=sa.text("accepted_at IS NOT NULL"),
    )
    op.create_index(
        "ix_message_campaign_id_state_id",
        "message",
        ["campaign_id", "state", "id"],
        unique=False,
        postgresql_where=sa.text("campaign_id IS NOT NULL"),
    )
    op.create_index(
        "ix_message_org_id_reason_id",
        "message",
        ["org_id", "reason", "id"],
        unique=False,
        postgresql_where=sa.text("reason IS NOT NULL"),
    )
    op.create_index("ix_message_org_id_state_id", "message", ["org_id", "state", "id"], unique=False)
    op.create_index(
        "ix_message_sequence_id_state_id",
        "message",
        ["sequence_id", "state", "id"],
        unique=False,
        postgresql_where=sa.text("sequence_id IS NOT NULL"),
    )
    op.create_index(
        "ix_message_state_sending_at",
        "message",
        ["state", "sending_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('planned', 'sending')"),
    )
    op.create_index(
        "ix_message_unfinished",
        "message",
        ["campaign_id", "contact_id"],
        unique=False,
        postgresql_where=sa.text("state IN ('planned', 'sending')"),
    )
    op.create_index(
        "uq_message_campaign_contact",
        "message",
        ["campaign_id", "contact_id"],
        unique=True,
        postgresql_where=sa.text("campaign_id IS NOT NULL"),
    )
    op.create_index(
        "uq_message_firing_id_action_position",
        "message",
        ["firing_id", "action_position"],
        unique=True,
        postgresql_where=sa.text("firing_id IS NOT NULL"),
    )
    op.create_index("uq_message_content_recipient_number", "message", ["content_id", "recipient_number"], unique=True)
    op.create_index(
        "uq_message_enrollment_step_run",
        "message",
        ["enrollment_id", "step_run"],
        unique=True,
        postgresql_where=sa.text("campaign_id IS NULL"),
    )
    op.create_table(
        "message_count",
        sa.Column("content_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("content_id", "state", "slot", name=op.f("pk_message_count")),
    )
    op.execute(COUNTER_SLOT)
    count_rows("message", "message_count", "messages", key="content_id, state", values="content_id, state")
    op.create_table(
        "personal_link",
        sa.Column("content_id", sa.Integer(), nullable=False),
        sa.Column("recipient_number", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["content_id"], ["content.id"], name=op.f("fk_personal_link_content_id")),
        sa.PrimaryKeyConstraint("content_id", "recipient_number", "position", name=op.f("pk_personal_link")),
    )
    op.create_table(
        "shared_link",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("content_id", sa.Integer(), nullable=False),
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("destination", sa.String(), nullable=False),
        sa.Column("utm", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("utm_overwrite", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["content_id"], ["content.id"], name=op.f("fk_shared_link_content_id")),
        sa.ForeignKeyConstraint(["org_id"], ["organization.id"], name=op.f("fk_shared_link_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shared_link")),
    )
    op.create_index("ix_shared_link_org_id_id", "shared_link", ["org_id", "id"], unique=False)
    op.create_index("ix_shared_link_updated_at", "shared_link", ["updated_at"], unique=False)
    op.create_index(
        "uq_shared_link_org_id_domain_slug",
        "shared_link",
        ["org_id", "domain", "slug"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "uq_shared_link_slug",
        "shared_link",
        ["slug"],
        unique=True,
        postgresql_where=sa.text("domain = '' AND deleted_at IS NULL"),
    )
    op.create_table(
        "enrollment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("sequence_id", sa.Uuid(), nullable=False),
        sa.Column("sequence_version_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=True),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("cause_id", sa.Uuid(), nullable=True),
        sa.Column("cause_number", sa.Integer(), nullable=True),
        sa.Column("variables", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("re_entry", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("step_key", sa.String(), nullable=True),
        sa.Column("step_run", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("workflow_started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("start_due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("start_attempts", sa.Integer(), nullable=False),
        sa.Column("stop_requested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stop_reason", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_enrollment_campaign_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_enrollment_contact_id")),
        sa.ForeignKeyConstraint(["org_id"], ["organization.id"], name=op.f("fk_enrollment_org_id")),
        sa.ForeignKeyConstraint(["sequence_id"], ["sequence.id"], name=op.f("fk_enrollment_sequence_id")),
        sa.ForeignKeyConstraint(["sequence_version_id"], ["sequence_version.id"], name=op.f("fk_enrollment_sequence_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrollment")),
    )
    op.create_index(
        "ix_enrollment_active", "enrollment", ["id"], unique=False, postgresql_where=sa.text("state IN ('queued', 'running')")
    )
    op.create_index("ix_enrollment_contact_id", "enrollment", ["contact_id"], unique=False)
    op.create_index(
        "ix_enrollment_due_at", "enrollment", ["due_at"], unique=False, postgresql_where=sa.text("due_at IS NOT NULL")
    )
    op.create_index("ix_enrollment_org_id_state_id", "enrollment", ["org_id", "state", "id"], unique=False)
    op.create_index(
        "ix_enrollment_campaign_id_state_id",
        "enrollment",
        ["campaign_id", "state", "id"],
        unique=False,
        postgresql_where=sa.text("campaign_id IS NOT NULL"),
    )
    op.create_index("ix_enrollment_sequence_id_state_id", "enrollment", ["sequence_id", "state", "id"], unique=False)
    op.create_index(
        "ix_enrollment_to_start",
        "enrollment",
        ["org_id", "start_due_at"],
        unique=False,
        postgresql_where=sa.text("workflow_started_at IS NULL AND state = 'queued' AND stop_requested_at IS NULL"),
    )
    op.create_index(
        "ix_enrollment_before_first_move",
        "enrollment",
        ["org_id", "start_due_at"],
        unique=False,
        postgresql_where=sa.text("workflow_started_at IS NOT NULL AND state = 'queued'"),
    )
    op.create_index(
        "ix_enrollment_sequence_id_step_key_id",
        "enrollment",
        ["sequence_id", "step_key", "id"],
        unique=False,
        postgresql_where=sa.text("step_key IS NOT NULL"),
    )
    op.create_index(
        "uq_enrollment_active",
        "enrollment",
        ["sequence_id", "contact_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('queued', 'running') AND re_entry <> 'always'"),
    )
    op.create_index(
        "uq_enrollment_ever",
        "enrollment",
        ["sequence_id", "contact_id"],
        unique=True,
        postgresql_where=sa.text("re_entry = 'never'"),
    )
    op.create_index(
        "uq_enrollment_cause",
        "enrollment",
        ["cause_id", "cause_number", "contact_id"],
        unique=True,
        postgresql_where=sa.text("cause_id IS NOT NULL"),
    )
    op.create_table(
        "command",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("enrollment_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("marked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["enrollment_id"], ["enrollment.id"], name=op.f("fk_command_enrollment_id")),
        sa.ForeignKeyConstraint(["org_id"], ["organization.id"], name=op.f("fk_command_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_command")),
    )
    op.create_index("ix_command_enrollment_id_id", "command", ["enrollment_id", "id"], unique=False)
    op.create_index("ix_command_open", "command", ["due_at"], unique=False, postgresql_where=sa.text("outcome IS NULL"))
    op.create_table(
        "step_run",
        sa.Column("enrollment_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("sequence_version_id", sa.Uuid(), nullable=False),
        sa.Column("step_key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("next_key", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["enrollment_id"], ["enrollment.id"], name=op.f("fk_step_run_enrollment_id")),
        sa.ForeignKeyConstraint(["org_id"], ["organization.id"], name=op.f("fk_step_run_org_id")),
        sa.ForeignKeyConstraint(["sequence_version_id"], ["sequence_version.id"], name=op.f("fk_step_run_sequence_version_id")),
        sa.PrimaryKeyConstraint("enrollment_id", "number", name=op.f("pk_step_run")),
    )
    op.create_index("ix_step_run_sequence_version_id_step_key", "step_run", ["sequence_version_id", "step_key"], unique=False)
    op.create_table(
        "step_count",
        sa.Column("sequence_version_id", sa.Uuid(), nullable=False),
        sa.Column("step_key", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("next_key", sa.String(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("step_runs", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("sequence_version_id", "step_key", "outcome", "next_key", "slot", name=op.f("pk_step_count")),
    )
    count_rows(
        "step_run",
        "step_count",
        "step_runs",
        key="sequence_version_id, step_key, outcome, next_key",
        values="sequence_version_id, step_key, coalesce(outcome, ''), coalesce(next_key, '')",
    )
    op.create_table(
        "event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("enrollment_id", sa.Uuid(), nullable=False),
        sa.Column("sequence_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("step_run", sa.Integer(), nullable=False),
        sa.Column("step_key", sa.String(), nullable=True),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_event_contact_id")),
        sa.ForeignKeyConstraint(["enrollment_id"], ["enrollment.id"], name=op.f("fk_event_enrollment_id")),
        sa.ForeignKeyConstraint(["org_id"], ["organization.id"], name=op.f("fk_event_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    op.create_index("ix_event_contact_id_at", "event", ["contact_id", "at"], unique=False)
    op.create_index("uq_event_enrollment_visit_kind", "event", ["enrollment_id", "step_run", "kind"], unique=True)
    op.create_table(
        "trigger",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=True),
        sa.Column("sequence_id", sa.Uuid(), nullable=True),
        sa.Column("sequence_version_id", sa.Uuid(), nullable=True),
        sa.Column("step_key", sa.String(), nullable=True),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("link", sa.String(), nullable=True),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("within", sa.Interval(), nullable=True),
        sa.Column("segment_id", sa.Uuid(), nullable=True),
        sa.Column("definition", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("examined_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("examined_message_id", sa.Uuid(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_trigger_campaign_id")),
        sa.ForeignKeyConstraint(["org_id"], ["organization.id"], name=op.f("fk_trigger_org_id")),
        sa.ForeignKeyConstraint(["sequence_id"], ["sequence.id"], name=op.f("fk_trigger_sequence_id")),
        sa.ForeignKeyConstraint(["sequence_version_id"], ["sequence_version.id"], name=op.f("fk_trigger_sequence_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trigger")),
        sa.UniqueConstraint("campaign_id", "key", name=op.f("uq_trigger_campaign_id_key")),
    )
    op.create_index(
        "ix_trigger_not_clicked",
        "trigger",
        ["id"],
        unique=False,
        postgresql_where=sa.text("event = 'not_clicked' AND finished_at IS NULL"),
    )
    op.create_index(
        "uq_trigger_version",
        "trigger",
        ["sequence_version_id", "step_key", "key"],
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("sequence_version_id IS NOT NULL"),
    )
    op.create_index(op.f("ix_trigger_org_id"), "trigger", ["org_id"], unique=False)
    op.create_index(
        "ix_trigger_sequence_id", "trigger", ["sequence_id"], unique=False, postgresql_where=sa.text("sequence_id IS NOT NULL")
    )
    op.create_table(
        "firing",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("trigger_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("occurrence", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("enrollment_id", sa.Uuid(), nullable=True),
        sa.Column("click_id", sa.Uuid(), nullable=True),
        sa.Column("link_name", sa.String(), nullable=True),
        sa.Column("fired_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_action", sa.Integer(), nullable=False),
        sa.Column("sends", sa.Boolean(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_firing_contact_id")),
        sa.ForeignKeyConstraint(["org_id"], ["organization.id"], name=op.f("fk_firing_org_id")),
        sa.ForeignKeyConstraint(["trigger_id"], ["trigger.id"], name=op.f("fk_firing_trigger_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_firing")),
    )
    op.create_index("ix_firing_click_id", "firing", ["click_id"], unique=False, postgresql_where=sa.text("click_id IS NOT NULL"))
    op.create_index("ix_firing_contact_id_fired_at_id", "firing", ["contact_id", "fired_at", "id"], unique=False)
    op.create_index(
        "ix_firing_enrollment_id",
        "firing",
        ["enrollment_id"],
        unique=False,
        postgresql_where=sa.text("enrollment_id IS NOT NULL"),
    )
    op.create_index(
        "ix_firing_open",
        "firing",
        ["org_id", "due_at"],
        unique=False,
        postgresql_where=sa.text("finished_at IS NULL AND NOT sends"),
    )
    op.create_index(
        "ix_firing_sends",
        "firing",
        ["org_id", "due_at"],
        unique=False,
        postgresql_where=sa.text("finished_at IS NULL AND sends"),
    )
    op.create_index("ix_firing_trigger_id_id", "firing", ["trigger_id", "id"], unique=False)
    op.create_index(
        "uq_firing_trigger_id_contact_id_occurrence", "firing", ["trigger_id", "contact_id", "occurrence"], unique=True
    )
    op.create_table(
        "trigger_count",
        sa.Column("trigger_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["trigger_id"], ["trigger.id"], name=op.f("fk_trigger_count_trigger_id")),
        sa.PrimaryKeyConstraint("trigger_id", "position", "what", name=op.f("pk_trigger_count")),
    )
    op.create_table(
        "trigger_link",
        sa.Column("content_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("trigger_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["content_id"], ["content.id"], name=op.f("fk_trigger_link_content_id")),
        sa.ForeignKeyConstraint(["trigger_id"], ["trigger.id"], name=op.f("fk_trigger_link_trigger_id")),
        sa.PrimaryKeyConstraint("content_id", "position", "trigger_id", name=op.f("pk_trigger_link")),
    )
    op.create_index("ix_trigger_link_trigger_id", "trigger_link", ["trigger_id"], unique=False)
    op.create_table(
        "trigger_person",
        sa.Column("trigger_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_trigger_person_contact_id")),
        sa.ForeignKeyConstraint(["trigger_id"], ["trigger.id"], name=op.f("fk_trigger_person_trigger_id")),
        sa.PrimaryKeyConstraint("trigger_id", "contact_id", name=op.f("pk_trigger_person")),
    )
    op.create_table(
        "trigger_refusal",
        sa.Column("trigger_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("click_id", sa.Uuid(), nullable=True),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_trigger_refusal_contact_id")),
        sa.ForeignKeyConstraint(["org_id"], ["organization.id"], name=op.f("fk_trigger_refusal_org_id")),
        sa.ForeignKeyConstraint(["trigger_id"], ["trigger.id"], name=op.f("fk_trigger_refusal_trigger_id")),
        sa.PrimaryKeyConstraint("trigger_id", "contact_id", "reason", name=op.f("pk_trigger_refusal")),
    )
    op.create_index("ix_trigger_refusal_contact_id_at_id", "trigger_refusal", ["contact_id", "at", "id"], unique=False)
    op.create_table(
        "firing_action",
        sa.Column("firing_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("trigger_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["firing_id"], ["firing.id"], name=op.f("fk_firing_action_firing_id")),
        sa.PrimaryKeyConstraint("firing_id", "position", name=op.f("pk_firing_action")),
    )
    op.create_index(
        "ix_firing_action_failed",
        "firing_action",
        ["trigger_id", "firing_id"],
        unique=False,
        postgresql_where=sa.text("outcome = 'failed'"),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("ix_firing_action_failed", table_name="firing_action", postgresql_where=sa.text("outcome = 'failed'"))
    op.drop_table("firing_action")
    op.drop_index("ix_trigger_refusal_contact_id_at_id", table_name="trigger_refusal")
    op.drop_table("trigger_refusal")
    op.drop_table("trigger_person")
    op.drop_index("ix_trigger_link_trigger_id", table_name="trigger_link")
    op.drop_table("trigger_link")
    op.drop_table("trigger_count")
    op.drop_index("uq_firing_trigger_id_contact_id_occurrence", table_name="firing")
    op.drop_index("ix_firing_trigger_id_id", table_name="firing")
    op.drop_index("ix_firing_sends", table_name="firing", postgresql_where=sa.text("finished_at IS NULL AND sends"))
    op.drop_index("ix_firing_open", table_name="firing", postgresql_where=sa.text("finished_at IS NULL AND NOT sends"))
    op.drop_index("ix_firing_enrollment_id", table_name="firing", postgresql_where=sa.text("enrollment_id IS NOT NULL"))
    op.drop_index("ix_firing_contact_id_fired_at_id", table_name="firing")
    op.drop_index("ix_firing_click_id", table_name="firing", postgresql_where=sa.text("click_id IS NOT NULL"))
    op.drop_table("firing")
    op.drop_index("ix_trigger_sequence_id", table_name="trigger", postgresql_where=sa.text("sequence_id IS NOT NULL"))
    op.drop_index(
        "uq_trigger_version",
        table_name="trigger",
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("sequence_version_id IS NOT NULL"),
    )
    op.drop_index(op.f("ix_trigger_org_id"), table_name="trigger")
    op.drop_index(
        "ix_trigger_not_clicked",
        table_name="trigger",
        postgresql_where=sa.text("event = 'not_clicked' AND finished_at IS NULL"),
    )
    op.drop_table("trigger")
    op.drop_index("uq_event_enrollment_visit_kind", table_name="event")
    op.drop_index("ix_event_contact_id_at", table_name="event")
    op.drop_table("event")
    op.drop_index("ix_step_run_sequence_version_id_step_key", table_name="step_run")
    op.drop_table("step_run")
    stop_counting("step_run")
    op.drop_table("step_count")
    op.drop_index("ix_command_open", table_name="command", postgresql_where=sa.text("outcome IS NULL"))
    op.drop_index("ix_command_enrollment_id_id", table_name="command")
    op.drop_table("command")
    op.drop_index("uq_enrollment_cause", table_name="enrollment", postgresql_where=sa.text("cause_id IS NOT NULL"))
    op.drop_index("uq_enrollment_ever", table_name="enrollment", postgresql_where=sa.text("re_entry = 'never'"))
    op.drop_index(
        "uq_enrollment_active",
        table_name="enrollment",
        postgresql_where=sa.text("state IN ('queued', 'running') AND re_entry <> 'always'"),
    )
    op.drop_index(
        "ix_enrollment_campaign_id_state_id", table_name="enrollment", postgresql_where=sa.text("campaign_id IS NOT NULL")
    )
    op.drop_index(
        "ix_enrollment_before_first_move",
        table_name="enrollment",
        postgresql_where=sa.text("workflow_started_at IS NOT NULL AND state = 'queued'"),
    )
    op.drop_index(
        "ix_enrollment_to_start",
        table_name="enrollment",
        postgresql_where=sa.text("workflow_started_at IS NULL AND state = 'queued' AND stop_requested_at IS NULL"),
    )
    op.drop_index(
        "ix_enrollment_sequence_id_step_key_id", table_name="enrollment", postgresql_where=sa.text("step_key IS NOT NULL")
    )
    op.drop_index("ix_enrollment_sequence_id_state_id", table_name="enrollment")
    op.drop_index("ix_enrollment_org_id_state_id", table_name="enrollment")
    op.drop_index("ix_enrollment_due_at", table_name="enrollment", postgresql_where=sa.text("due_at IS NOT NULL"))
    op.drop_index("ix_enrollment_contact_id", table_name="enrollment")
    op.drop_index("ix_enrollment_active", table_name="enrollment", postgresql_where=sa.text("state IN ('queued', 'running')"))
    op.drop_table("enrollment")
    op.drop_index("uq_shared_link_slug", table_name="shared_link", postgresql_where=sa.text("domain = '' AND deleted_at IS NULL"))
    op.drop_index("uq_shared_link_org_id_domain_slug", table_name="shared_link", postgresql_where=sa.text("deleted_at IS NULL"))
    op.drop_index("ix_shared_link_updated_at", table_name="shared_link")
    op.drop_index("ix_shared_link_org_id_id", table_name="shared_link")
    op.drop_table("shared_link")
    op.drop_table("personal_link")
    op.drop_index("uq_message_enrollment_step_run", table_name="message", postgresql_where=sa.text("campaign_id IS NULL"))
    op.drop_index("uq_message_firing_id_action_position", table_name="message", postgresql_where=sa.text("firing_id IS NOT NULL"))
    op.drop_index("uq_message_content_recipient_number", table_name="message")
    op.drop_index("uq_message_campaign_contact", table_name="message", postgresql_where=sa.text("campaign_id IS NOT NULL"))
    op.drop_index(
        "ix_message_state_sending_at", table_name="message", postgresql_where=sa.text("state IN ('planned', 'sending')")
    )
    op.drop_index("ix_message_unfinished", table_name="message", postgresql_where=sa.text("state IN ('planned', 'sending')"))
    op.drop_index("ix_message_sequence_id_state_id", table_name="message", postgresql_where=sa.text("sequence_id IS NOT NULL"))
    op.drop_index("ix_message_org_id_state_id", table_name="message")
    op.drop_index("ix_message_org_id_reason_id", table_name="message", postgresql_where=sa.text("reason IS NOT NULL"))
    op.drop_index("ix_message_campaign_id_state_id", table_name="message", postgresql_where=sa.text("campaign_id IS NOT NULL"))
    op.drop_index(
        "ix_message_content_id_accepted_at_id", table_name="message", postgresql_where=sa.text("accepted_at IS NOT NULL")
    )
    op.drop_index("ix_message_contact_id_id", table_name="message")
    op.drop_table("message")
    stop_counting("message")
    op.execute("DROP FUNCTION counter_slot()")
    op.drop_table("message_count")
    op.drop_table("content_link")
    op.drop_index(op.f("ix_campaign_org_id"), table_name="campaign")
    op.drop_table("campaign")
    op.drop_index(
        "uq_content_trigger_id_action_position", table_name="content", postgresql_where=sa.text("trigger_id IS NOT NULL")
    )
    op.drop_index(op.f("ix_content_sequence_version_id"), table_name="content")
    op.drop_index(op.f("ix_content_sequence_id"), table_name="content")
    op.drop_index(op.f("ix_content_campaign_id"), table_name="content")
    op.drop_table("content")
    op.drop_index(op.f("ix_simulator_inbox_to_address"), table_name="simulator_inbox")
    op.drop_index(op.f("ix_simulator_inbox_message_id"), table_name="simulator_inbox")
    op.drop_index(op.f("ix_simulator_inbox_channel_id"), table_name="simulator_inbox")
    op.drop_table("simulator_inbox")
    op.drop_table("sequence_enrolls")
    op.drop_table("sequence_version")
    op.drop_index("ix_segment_org_id_id", table_name="segment")
    op.drop_table("segment")
    op.drop_index(op.f("ix_sequence_org_id"), table_name="sequence")
    op.drop_table("sequence")
    op.drop_index(op.f("ix_idempotency_key_created_at"), table_name="idempotency_key")
    op.drop_table("idempotency_key")
    op.drop_index("uq_contact_import_running", table_name="contact_import", postgresql_where=sa.text("state = 'running'"))
    op.drop_index("ix_contact_import_org_id_id", table_name="contact_import")
    op.drop_index(
        "ix_contact_import_open", table_name="contact_import", postgresql_where=sa.text("state IN ('waiting', 'running')")
    )
    op.drop_table("contact_import")
    op.drop_index("uq_contact_phone", table_name="contact", postgresql_where=sa.text("phone IS NOT NULL"))
    op.drop_index("uq_contact_external_id", table_name="contact", postgresql_where=sa.text("external_id IS NOT NULL"))
    op.drop_index("uq_contact_email", table_name="contact", postgresql_where=sa.text("email IS NOT NULL"))
    op.drop_index("ix_contact_org_id_id", table_name="contact")
    op.drop_table("contact")
    op.execute("DROP FUNCTION keep_contact_tags()")
    op.drop_table("contact_tag")
    op.drop_index(
        "uq_notification_item_step_run", table_name="notification_item", postgresql_where=sa.text("enrollment_id IS NOT NULL")
    )
    op.drop_index(
        "uq_notification_item_firing", table_name="notification_item", postgresql_where=sa.text("firing_id IS NOT NULL")
    )
    op.drop_index(
        "ix_notification_item_waiting", table_name="notification_item", postgresql_where=sa.text("notification_id IS NULL")
    )
    op.drop_index(
        "ix_notification_item_told",
        table_name="notification_item",
        postgresql_where=sa.text("notification_id IS NOT NULL"),
    )
    op.drop_table("notification_item")
    op.drop_index("uq_notification_open", table_name="notification", postgresql_where=sa.text("state = 'open'"))
    op.drop_index("ix_notification_target_id_id", table_name="notification")
    op.drop_index(
        "ix_notification_items_kept", table_name="notification", postgresql_where=sa.text("items_kept AND state = 'sent'")
    )
    op.drop_index(
        "ix_notification_given_up", table_name="notification", postgresql_where=sa.text("items_kept AND state = 'failed'")
    )
    op.drop_index("ix_notification_due", table_name="notification", postgresql_where=sa.text("state = 'open'"))
    op.drop_table("notification")
    op.drop_index(
        "uq_notification_target_name", table_name="notification_target", postgresql_where=sa.text("archived_at IS NULL")
    )
    op.drop_index("ix_notification_target_org_id_id", table_name="notification_target")
    op.drop_index(
        "ix_notification_target_failing", table_name="notification_target", postgresql_where=sa.text("failing_since IS NOT NULL")
    )
    op.drop_table("notification_target")
    op.drop_table("channel")
    op.drop_index("ix_audit_log_org_id_target_id_id", table_name="audit_log")
    op.drop_index("ix_audit_log_org_id_key_id_id", table_name="audit_log")
    op.drop_index("ix_audit_log_org_id_id", table_name="audit_log")
    op.drop_index("ix_audit_log_org_id_action_id", table_name="audit_log")
    op.drop_table("audit_log")
    op.drop_index(op.f("ix_api_key_org_id"), table_name="api_key")
    op.drop_table("api_key")
    op.drop_index("ix_signal_outbox_open", table_name="signal_outbox", postgresql_where=sa.text("outcome IS NULL"))
    op.drop_table("signal_outbox")
    op.drop_index("uq_link_domain_org_id_host", table_name="link_domain")
    op.drop_index("uq_link_domain_held", table_name="link_domain", postgresql_where=sa.text("held_since IS NOT NULL"))
    op.drop_table("link_domain")
    op.drop_table("content_usage")
    op.drop_table("heartbeat")
    op.drop_table("organization")
    op.drop_table("click_series")
    op.drop_table("click_by")
    op.drop_table("click_rejected")
    op.drop_table("click_metadata")
    op.drop_table("click_flood")
    op.drop_index("ix_click_inbox_org_id_id", table_name="click_inbox", postgresql_where=sa.text("held_until IS NULL"))
    op.drop_index("ix_click_inbox_held", table_name="click_inbox", postgresql_where=sa.text("held_until IS NOT NULL"))
    op.drop_table("click_inbox")
    op.drop_table("contact_engagement")
    op.drop_table("click_first")
    op.drop_index(
        "ix_click_link_id_verdict_id",
        table_name="click",
        postgresql_where=sa.text("campaign_id IS NULL AND sequence_id IS NULL"),
    )
    op.drop_index("ix_click_sequence_id_verdict_id", table_name="click", postgresql_where=sa.text("sequence_id IS NOT NULL"))
    op.drop_index("ix_click_org_id_verdict_id", table_name="click")
    op.drop_index("ix_click_enrollment_id", table_name="click")
    op.drop_index("ix_click_contact_id_id", table_name="click")
    op.drop_index("ix_click_campaign_id_verdict_id", table_name="click")
    op.drop_table("click")

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
        sa.PrimaryKeyConstraint("id", "clicked_at", name=op.f("pk_click")),
        postgresql_partition_by="RANGE (clicked_at)",
    )
    op.create_index("ix_click_campaign_id_id", "click", ["campaign_id", "id"], unique=False)
    op.create_index("ix_click_contact_id_id", "click", ["contact_id", "id"], unique=False)
    op.create_index("ix_click_enrollment_id", "click", ["enrollment_id"], unique=False)
    op.create_index("ix_click_org_id_id", "click", ["org_id", "id"], unique=False)
    op.create_index(
        "ix_click_sequence_id_id",
        "click",
        ["sequence_id", "id"],
        unique=False,
        postgresql_where=sa.text("sequence_id IS NOT NULL"),
    )
    op.create_index(
        "ix_click_shared_link", "click", ["link_id", "id"], unique=False, postgresql_where=sa.text("message_id IS NULL")
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
        "click_inbox",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("content_id", sa.Integer(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
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
        ["content_id", "ordinal"],
        unique=False,
        postgresql_where=sa.text("held_until IS NOT NULL"),
    )
    op.create_table(
        "click_metadata",
        sa.Column("click_id", sa.Uuid(), nullable=False),
        sa.Column("country", sa.String(), nullable=True),
        sa.Column("city", sa.String(), nullable=True),
        sa.Column("device_type", sa.String(), nullable=False),
        sa.Column("browser", sa.String(), nullable=True),
        sa.Column("os", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("click_id", name=op.f("pk_click_metadata")),
    )
    op.create_table(
        "click_rejected",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("content_id", sa.Integer(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("clicked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("problem", sa.String(), nullable=False),
        sa.Column("rejected_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_click_rejected")),
    )
    op.create_table(
        "click_rollup",
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("scope_id", sa.Uuid(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("country", sa.String(), nullable=False),
        sa.Column("city", sa.String(), nullable=False),
        sa.Column("device_type", sa.String(), nullable=False),
        sa.Column("clicks", sa.Integer(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "scope", "scope_id", "hour", "verdict", "country", "city", "device_type", name=op.f("pk_click_rollup")
        ),
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
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organization")),
    )
    op.create_table(
        "signal_outbox",
        sa.Column("content_id", sa.Integer(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("click_id", sa.Uuid(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("content_id", "ordinal", "position", name=op.f("pk_signal_outbox")),
    )
    op.create_index(
        "ix_signal_outbox_open", "signal_outbox", ["due_at"], unique=False, postgresql_where=sa.text("outcome IS NULL")
    )
    op.create_table(
        "api_key",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["org_id"], ["organization.id"], name=op.f("fk_api_key_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
    )
    op.create_index(op.f("ix_api_key_org_id"), "api_key", ["org_id"], unique=False)
    op.create_table(
        "channel",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("medium", sa.String(), nullable=False),
        sa.Column("config", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["org_id"], ["organization.id"], name=op.f("fk_channel_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel")),
        sa.UniqueConstraint("org_id", "name", name=op.f("uq_channel_org_id_name")),
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
    op.create_index("ix_contact_tags", "contact", ["tags"], unique=False, postgresql_using="gin")
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
        "contact_import",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("csv", sa.String(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("processed", sa.Integer(), nullable=False),
        sa.Column("created", sa.Integer(), nullable=False),
        sa.Column("updated", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("errors", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("workflow_started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["org_id"], ["organization.id"], name=op.f("fk_contact_import_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_import")),
    )
    op.create_index(op.f("ix_contact_import_org_id"), "contact_import", ["org_id"], unique=False)
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
        "sequence",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("link_tracking", sa.Boolean(), nullable=True),
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
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("html", sa.String(), nullable=True),
        sa.Column("wakes", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("next_ordinal", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["channel_id"], ["channel.id"], name=op.f("fk_content_channel_id")),
        sa.ForeignKeyConstraint(["org_id"], ["organization.id"], name=op.f("fk_content_org_id")),
        sa.ForeignKeyConstraint(["sequence_version_id"], ["sequence_version.id"], name=op.f("fk_content_sequence_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_content")),
    )
    op.create_index(op.f("ix_content_campaign_id"), "content", ["campaign_id"], unique=False)
    op.create_index(op.f("ix_content_sequence_id"), "content", ["sequence_id"], unique=False)
    op.create_index(op.f("ix_content_sequence_version_id"), "content", ["sequence_version_id"], unique=False)
    op.create_table(
        "campaign",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("message", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("audience", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("link_tracking", sa.Boolean(), nullable=True),
        sa.Column("link_domain", sa.String(), nullable=True),
        sa.Column("utm", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("utm_overwrite", sa.Boolean(), nullable=False),
        sa.Column("trigger", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("content_id", sa.Integer(), nullable=True),
        sa.Column("recipients", sa.Integer(), nullable=True),
        sa.Column("launched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("workflow_started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tracking_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("digest_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["channel_id"], ["channel.id"], name=op.f("fk_campaign_channel_id")),
        sa.ForeignKeyConstraint(["content_id"], ["content.id"], name=op.f("fk_campaign_content_id")),
        sa.ForeignKeyConstraint(["org_id"], ["organization.id"], name=op.f("fk_campaign_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign")),
    )
    op.create_index(
        "ix_campaign_link_domain", "campaign", ["link_domain"], unique=False, postgresql_where=sa.text("link_domain IS NOT NULL")
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
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=True),
        sa.Column("sequence_id", sa.Uuid(), nullable=True),
        sa.Column("enrollment_id", sa.Uuid(), nullable=True),
        sa.Column("step_key", sa.String(), nullable=True),
        sa.Column("visit", sa.Integer(), nullable=True),
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
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["channel_id"], ["channel.id"], name=op.f("fk_message_channel_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_message_contact_id")),
        sa.ForeignKeyConstraint(["content_id"], ["content.id"], name=op.f("fk_message_content_id")),
        sa.ForeignKeyConstraint(["org_id"], ["organization.id"], name=op.f("fk_message_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
    )
    op.create_index("ix_message_contact_id_id", "message", ["contact_id", "id"], unique=False)
    op.create_index("ix_message_org_id_id", "message", ["org_id", "id"], unique=False)
    op.create_index(
        "ix_message_unsettled",
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
    op.create_index("uq_message_content_ordinal", "message", ["content_id", "ordinal"], unique=True)
    op.create_index(
        "uq_message_enrollment_visit",
        "message",
        ["enrollment_id", "visit"],
        unique=True,
        postgresql_where=sa.text("campaign_id IS NULL"),
    )
    op.create_table(
        "personal_link",
        sa.Column("content_id", sa.Integer(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["content_id"], ["content.id"], name=op.f("fk_personal_link_content_id")),
        sa.PrimaryKeyConstraint("content_id", "ordinal", "position", name=op.f("pk_personal_link")),
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
        "uq_shared_link_domain_slug",
        "shared_link",
        ["domain", "slug"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "enrollment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("sequence_id", sa.Uuid(), nullable=False),
        sa.Column("sequence_version_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("step_key", sa.String(), nullable=True),
        sa.Column("visit", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("workflow_started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stop_requested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_enrollment_campaign_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_enrollment_contact_id")),
        sa.ForeignKeyConstraint(["org_id"], ["organization.id"], name=op.f("fk_enrollment_org_id")),
        sa.ForeignKeyConstraint(["sequence_id"], ["sequence.id"], name=op.f("fk_enrollment_sequence_id")),
        sa.ForeignKeyConstraint(["sequence_version_id"], ["sequence_version.id"], name=op.f("fk_enrollment_sequence_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrollment")),
    )
    op.create_index("ix_enrollment_contact_id", "enrollment", ["contact_id"], unique=False)
    op.create_index(
        "ix_enrollment_not_started",
        "enrollment",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("workflow_started_at IS NULL"),
    )
    op.create_index(op.f("ix_enrollment_org_id"), "enrollment", ["org_id"], unique=False)
    op.create_index("ix_enrollment_sequence_id_id", "enrollment", ["sequence_id", "id"], unique=False)
    op.create_index(
        "uq_enrollment_active",
        "enrollment",
        ["sequence_id", "contact_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('queued', 'running') AND campaign_id IS NULL"),
    )
    op.create_index(
        "uq_enrollment_follow_up",
        "enrollment",
        ["campaign_id", "contact_id"],
        unique=True,
        postgresql_where=sa.text("campaign_id IS NOT NULL"),
    )
    op.create_table(
        "event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("enrollment_id", sa.Uuid(), nullable=False),
        sa.Column("sequence_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("visit", sa.Integer(), nullable=False),
        sa.Column("step_key", sa.String(), nullable=True),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_event_contact_id")),
        sa.ForeignKeyConstraint(["enrollment_id"], ["enrollment.id"], name=op.f("fk_event_enrollment_id")),
        sa.ForeignKeyConstraint(["org_id"], ["organization.id"], name=op.f("fk_event_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    op.create_index("ix_event_contact_id_at", "event", ["contact_id", "at"], unique=False)
    op.create_index("ix_event_sequence_id_kind", "event", ["sequence_id", "kind"], unique=False)
    op.create_index("uq_event_enrollment_visit_kind", "event", ["enrollment_id", "visit", "kind"], unique=True)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("uq_event_enrollment_visit_kind", table_name="event")
    op.drop_index("ix_event_sequence_id_kind", table_name="event")
    op.drop_index("ix_event_contact_id_at", table_name="event")
    op.drop_table("event")
    op.drop_index("uq_enrollment_follow_up", table_name="enrollment", postgresql_where=sa.text("campaign_id IS NOT NULL"))
    op.drop_index(
        "uq_enrollment_active",
        table_name="enrollment",
        postgresql_where=sa.text("state IN ('queued', 'running') AND campaign_id IS NULL"),
    )
    op.drop_index("ix_enrollment_sequence_id_id", table_name="enrollment")
    op.drop_index(op.f("ix_enrollment_org_id"), table_name="enrollment")
    op.drop_index("ix_enrollment_not_started", table_name="enrollment", postgresql_where=sa.text("workflow_started_at IS NULL"))
    op.drop_index("ix_enrollment_contact_id", table_name="enrollment")
    op.drop_table("enrollment")
    op.drop_index("uq_shared_link_domain_slug", table_name="shared_link", postgresql_where=sa.text("deleted_at IS NULL"))
    op.drop_index("ix_shared_link_updated_at", table_name="shared_link")
    op.drop_index("ix_shared_link_org_id_id", table_name="shared_link")
    op.drop_table("shared_link")
    op.drop_table("personal_link")
    op.drop_index("uq_message_enrollment_visit", table_name="message", postgresql_where=sa.text("campaign_id IS NULL"))
    op.drop_index("uq_message_content_ordinal", table_name="message")
    op.drop_index("uq_message_campaign_contact", table_name="message", postgresql_where=sa.text("campaign_id IS NOT NULL"))
    op.drop_index("ix_message_unsettled", table_name="message", postgresql_where=sa.text("state IN ('planned', 'sending')"))
    op.drop_index("ix_message_org_id_id", table_name="message")
    op.drop_index("ix_message_contact_id_id", table_name="message")
    op.drop_table("message")
    op.drop_table("content_link")
    op.drop_index(op.f("ix_campaign_org_id"), table_name="campaign")
    op.drop_index("ix_campaign_link_domain", table_name="campaign", postgresql_where=sa.text("link_domain IS NOT NULL"))
    op.drop_table("campaign")
    op.drop_index(op.f("ix_content_sequence_version_id"), table_name="content")
    op.drop_index(op.f("ix_content_sequence_id"), table_name="content")
    op.drop_index(op.f("ix_content_campaign_id"), table_name="content")
    op.drop_table("content")
    op.drop_index(op.f("ix_simulator_inbox_to_address"), table_name="simulator_inbox")
    op.drop_index(op.f("ix_simulator_inbox_message_id"), table_name="simulator_inbox")
    op.drop_index(op.f("ix_simulator_inbox_channel_id"), table_name="simulator_inbox")
    op.drop_table("simulator_inbox")
    op.drop_table("sequence_version")
    op.drop_index(op.f("ix_sequence_org_id"), table_name="sequence")
    op.drop_table("sequence")
    op.drop_index(op.f("ix_idempotency_key_created_at"), table_name="idempotency_key")
    op.drop_table("idempotency_key")
    op.drop_index(op.f("ix_contact_import_org_id"), table_name="contact_import")
    op.drop_table("contact_import")
    op.drop_index("uq_contact_phone", table_name="contact", postgresql_where=sa.text("phone IS NOT NULL"))
    op.drop_index("uq_contact_external_id", table_name="contact", postgresql_where=sa.text("external_id IS NOT NULL"))
    op.drop_index("uq_contact_email", table_name="contact", postgresql_where=sa.text("email IS NOT NULL"))
    op.drop_index("ix_contact_tags", table_name="contact", postgresql_using="gin")
    op.drop_index("ix_contact_org_id_id", table_name="contact")
    op.drop_table("contact")
    op.drop_table("channel")
    op.drop_index(op.f("ix_api_key_org_id"), table_name="api_key")
    op.drop_table("api_key")
    op.drop_index("ix_signal_outbox_open", table_name="signal_outbox", postgresql_where=sa.text("outcome IS NULL"))
    op.drop_table("signal_outbox")
    op.drop_table("organization")
    op.drop_table("click_rollup")
    op.drop_table("click_rejected")
    op.drop_table("click_metadata")
    op.drop_index("ix_click_inbox_held", table_name="click_inbox", postgresql_where=sa.text("held_until IS NOT NULL"))
    op.drop_table("click_inbox")
    op.drop_table("click_first")
    op.drop_index("ix_click_shared_link", table_name="click", postgresql_where=sa.text("message_id IS NULL"))
    op.drop_index("ix_click_sequence_id_id", table_name="click", postgresql_where=sa.text("sequence_id IS NOT NULL"))
    op.drop_index("ix_click_org_id_id", table_name="click")
    op.drop_index("ix_click_enrollment_id", table_name="click")
    op.drop_index("ix_click_contact_id_id", table_name="click")
    op.drop_index("ix_click_campaign_id_id", table_name="click")
    op.drop_table("click")

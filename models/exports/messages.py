"""Exports of messages: what was sent to whom and what became of it, or why it was left out. Their texts are not in it."""

from models.exports.columns import CONTACT, OWNERS, Column, moment, plain
from models.exports.export import Source
from models.messages.message import MessageState

MESSAGES = Source(
    table="message",
    kind="state",
    kinds=tuple(MessageState),
    columns=(
        plain("id", "message.id"),
        moment("created_at", "message.created_at"),
        moment("accepted_at", "message.accepted_at"),
        plain("state", "message.state"),
        Column("reason", "message.reason"),
        plain("message_kind", "message.message_kind"),
        plain("tracked", "message.tracked"),
        Column("channel_name", "channel.name"),
        *OWNERS,
        plain("enrollment_id", "message.enrollment_id"),
        plain("firing_id", "message.firing_id"),
        Column("step_key", "message.step_key"),
        Column("to_address", "message.to_address"),
        Column("provider_id", "message.provider_id"),
        plain("units", "message.units"),
        plain("report", "message.report"),
        Column("report_code", "message.report_code"),
        moment("reported_at", "message.reported_at"),
        *CONTACT,
    ),
    joins="""
    JOIN contact ON contact.id = message.contact_id
    JOIN channel ON channel.id = message.channel_id
    LEFT JOIN campaign ON campaign.id = message.campaign_id
    LEFT JOIN sequence ON sequence.id = message.sequence_id""",
    owners={
        "firing_id": "firing_id = :firing_id",
        "enrollment_id": "enrollment_id = :enrollment_id AND campaign_id IS NULL",
        "contact_id": "contact_id = :contact_id",
        "campaign_id": "campaign_id = :campaign_id",
        "sequence_id": "sequence_id = :sequence_id",
    },
    conditions={
        "firing_id": "message.firing_id = :firing_id",
        "enrollment_id": "message.enrollment_id = :enrollment_id",
        "contact_id": "message.contact_id = :contact_id",
        "campaign_id": "message.campaign_id = :campaign_id",
        "sequence_id": "message.sequence_id = :sequence_id",
        "reason": "message.reason = :reason",
        "report": "message.report = :report",
        "tag": "CAST(:tag AS text) = ANY(contact.tags)",
    },
)

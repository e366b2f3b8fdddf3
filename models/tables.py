"""All tables, imported once, so that `SQLModel.metadata` is complete for migrations and tests."""

from sqlmodel import SQLModel

from models.campaigns import campaign
from models.channels import channel, pace, policy_refusal, simulator_inbox
from models.clicks import click
from models.clicks import correction as click_correction
from models.clicks import counters as click_counters
from models.clicks import flood as click_flood
from models.clicks import inbox as click_inbox
from models.commands import command
from models.consent import consent, suppression
from models.contacts import contact
from models.contacts import imports as contact_import
from models.inbound import inbound_message
from models.links import shared_link
from models.live import live_event
from models.messages import content, message, message_count, report, report_count, waiting_report
from models.notifications import notification, target
from models.organizations import api_key, audit_log, console_session, idempotency, link_domain, organization, quotas
from models.outcomes import person_outcome
from models.platform import heartbeat
from models.segments import segment
from models.sequences import enrolling, enrollment, enrollment_count, event, sequence, step_count, step_run, step_time
from models.triggers import firing, trigger

__all__ = [
    "api_key",
    "audit_log",
    "campaign",
    "channel",
    "click",
    "click_correction",
    "click_counters",
    "click_flood",
    "click_inbox",
    "command",
    "consent",
    "console_session",
    "contact",
    "contact_import",
    "content",
    "enrolling",
    "enrollment",
    "enrollment_count",
    "event",
    "firing",
    "heartbeat",
    "idempotency",
    "inbound_message",
    "link_domain",
    "live_event",
    "message",
    "message_count",
    "metadata",
    "notification",
    "organization",
    "pace",
    "person_outcome",
    "policy_refusal",
    "quotas",
    "report",
    "report_count",
    "segment",
    "sequence",
    "shared_link",
    "simulator_inbox",
    "step_count",
    "step_run",
    "step_time",
    "suppression",
    "target",
    "trigger",
    "waiting_report",
]

metadata = SQLModel.metadata

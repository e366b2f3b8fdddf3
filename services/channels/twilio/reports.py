"""What a status callback of Twilio says of a message
(https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks)."""

from collections.abc import Mapping
from uuid import UUID

from models.channels.channel import Channel
from models.messages.report import ReportKind
from services.channels.twilio.errors import ErrorCode, error_code
from services.provider_reports.apply import Report

KINDS = {
    "sent": ReportKind.SENT,
    "partially_delivered": ReportKind.SENT,
    "delivered": ReportKind.DELIVERED,
    "read": ReportKind.DELIVERED,
    "undelivered": ReportKind.FAILED,
    "failed": ReportKind.FAILED,
    "canceled": ReportKind.FAILED,
}
"""The statuses that say something. The others (accepted, queued, sending, scheduled) are only steps on the way."""


def read_status(channel: Channel, message_id: UUID, fields: Mapping[str, str]) -> Report | None:
    """Returns None when the status is only a step on the way, or is unknown."""
    status, sid = fields.get("MessageStatus", ""), fields.get("MessageSid", "")
    kind = KINDS.get(status)
    if kind is None:
        return None
    code = _code(fields.get("ErrorCode", "")) if kind == ReportKind.FAILED else None
    return Report(
        org_id=channel.org_id,
        channel_id=channel.id,
        kind=kind,
        event_key=f"{sid}:{status}",
        message_id=message_id,
        provider_id=sid or None,
        code=str(code.number) if code else None,
        detail=code.words if code else None,
        fault=code.fault if code else None,
    )


def _code(text: str) -> ErrorCode | None:
    return error_code(int(text)) if text.isascii() and text.isdecimal() and len(text) <= 9 else None

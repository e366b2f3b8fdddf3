"""What a callback of an http channel's provider says: reports about messages, and messages that people wrote."""

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from models.base import now
from models.channels.channel import Channel
from models.messages.report import ReportKind
from services.channels.http.conditions import all_hold
from services.channels.http.config import CallbackMapping, InboundMapping, ReportMapping
from services.channels.http.json_path import as_text, find, find_code, find_text
from services.inbound.receive import Inbound
from services.provider_reports.apply import Report

MOST_EVENTS = 1000
MOST_FIELDS = 200
FORM = "application/x-www-form-urlencoded"
IN_MILLISECONDS = 10**11
"""A number of this size or more is a time in milliseconds: in seconds, it would lie in the year 5138."""


class Unreadable(ValueError):
    """The body is neither JSON nor a form, or has too many events."""


@dataclass(frozen=True)
class Told:
    reports: Sequence[Report]
    inbound: Sequence[Inbound]


def read_callback(channel: Channel, mapping: CallbackMapping, content_type: str, body: bytes) -> Told:
    """Returns what the events mean. Those that the mapping does not know are left alone. Raises Unreadable."""
    found = find(_document(content_type, body), mapping.events)
    events = found if isinstance(found, list) else [found]
    if len(events) > MOST_EVENTS:
        raise Unreadable(f"A callback has at most {MOST_EVENTS:,} events.")
    reports = [_report(channel, mapping.reports, event) for event in events] if mapping.reports else []
    inbound = [_inbound(mapping.inbound, event) for event in events] if mapping.inbound else []
    return Told([each for each in reports if each], [each for each in inbound if each])


def _document(content_type: str, body: bytes) -> Any:
    """Of fields with one name, the last one counts."""
    try:
        if content_type.partition(";")[0].strip().lower() == FORM:
            return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS))
        return json.loads(body)
    except (ValueError, RecursionError):
        raise Unreadable(f"Send JSON, or a form with at most {MOST_FIELDS} fields.") from None


def _report(channel: Channel, mapping: ReportMapping, event: Any) -> Report | None:
    rule = next((each for each in mapping.rules if all_hold(each.when, event)), None)
    message_id = _uuid(find_text(event, mapping.message_id))
    provider_id = find_text(event, mapping.provider_id)
    if rule is None or (message_id is None and provider_id is None):
        return None
    times = (_time(find(event, path)) for path in mapping.reported_at)
    return Report(
        channel.org_id,
        channel.id,
        ReportKind(rule.kind),
        event_key=f"{rule.kind}:{find_text(event, mapping.event_id) or _digest(event)}",
        message_id=message_id,
        provider_id=provider_id,
        code=find_code(event, mapping.code),
        reported_at=next((time for time in times if time), None),
        fault=rule.fault,
        soft=rule.soft,
    )


def _inbound(mapping: InboundMapping, event: Any) -> Inbound | None:
    sender = find_text(event, mapping.from_address)
    provider_id = find_text(event, mapping.provider_id)
    if sender is None or provider_id is None or not all_hold(mapping.when, event):
        return None
    recipient = find_text(event, mapping.to_address)
    return Inbound(
        from_address=_with(mapping.before_addresses, sender),
        to_address=_with(mapping.before_addresses, recipient) if recipient else None,
        body=as_text(find(event, mapping.body)) or "",
        provider_id=provider_id,
        received_at=_time(find(event, mapping.received_at)) if mapping.received_at else None,
        country=mapping.country,
    )


def _with(before: str, address: str) -> str:
    return address if address.startswith(before) else before + address


def _digest(event: Any) -> str:
    return hashlib.sha256(json.dumps(event, sort_keys=True).encode()).hexdigest()[:32]


def _uuid(text: str | None) -> UUID | None:
    with suppress(ValueError):
        return UUID(text or "")
    return None


def _time(value: Any) -> datetime | None:
    """Reads ISO 8601 (without a zone it is UTC) or a number of seconds or milliseconds since 1970. A time to come counts as
    now, and one that cannot be read as missing."""
    text = as_text(value) or ""
    with suppress(ValueError, OverflowError, OSError):
        if text.isascii() and text.replace(".", "", 1).isdecimal():
            seconds = float(text)
            at = datetime.fromtimestamp(seconds / 1000 if seconds >= IN_MILLISECONDS else seconds, UTC)
        else:
            at = datetime.fromisoformat(text)
        return min(at if at.tzinfo else at.replace(tzinfo=UTC), now())
    return None

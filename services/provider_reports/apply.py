"""Applies what providers report of messages, in any order and any number of times.

A report is written down once and decides once what follows from it. The highest report of a message counts, by the ranks of
`ReportKind`. Each message is a transaction of its own, so one report that cannot be applied holds up no other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from models.base import now
from models.database import Database
from models.messages.report import MessageReport, ReportKind, add_report, lock_reported
from models.texts.text import cut
from services.channels.base import Fault
from services.commands.deliver import CommandDelivery


@dataclass(frozen=True)
class Report:
    """One thing that a provider told us about one message, which is named by our `message_id` or the provider's `provider_id`.

    `event_key` names what was told, such as `delivered` or the id of the provider's event: a report that comes again has the same
    key. `code` is the provider's own, and `detail` its words without anybody's address. `reported_at` is None when the provider
    gives no time; then it is the time of arrival. `fault` says what follows, and None means what the kind says. A `soft` bounce
    may go away by itself.
    """

    org_id: UUID
    channel_id: UUID
    kind: ReportKind
    event_key: str
    message_id: UUID | None = None
    provider_id: str | None = None
    code: str | None = None
    detail: str | None = None
    reported_at: datetime | None = None
    fault: Fault | None = None
    soft: bool = False


async def apply_reports(database: Database, reports: Sequence[Report], commands: CommandDelivery | None) -> int:  # noqa: ARG001
    """Returns how many of the reports were new. Reports about messages that this channel does not have change nothing.

    `commands` tells enrollments at once that they have to stop; with None, the worker's sweeper does.
    """
    return sum([await _apply(database, each) for each in reports])


async def _apply(database: Database, report: Report) -> bool:
    async with database.transaction() as session:
        message = await lock_reported(session, report.org_id, report.channel_id, report.message_id, report.provider_id)
        if message is None:
            return False
        row = MessageReport(
            org_id=report.org_id,
            message_id=message.id,
            kind=report.kind,
            event_key=report.event_key,
            code=report.code,
            detail=cut(report.detail) if report.detail else None,
            reported_at=report.reported_at or now(),
        )
        return await add_report(session, row, report.provider_id)

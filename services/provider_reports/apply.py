"""Applies what providers report of messages, in any order and any number of times.

A report is written down once and decides once what follows from it. The highest report of a message counts, by the ranks of
`ReportKind`. Each message is a transaction of its own, so one report that cannot be applied holds up no other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.base import now
from models.channels.channel import Channel
from models.database import Database
from models.messages.report import MessageReport, ReportKind, add_report, find_reported
from models.messages.waiting_report import WaitingReport, add_waiting
from models.organizations.owned import owned
from models.texts.text import cut
from services.away import is_away
from services.channels.base import Fault
from services.commands.deliver import CommandDelivery
from services.commands.tell import tell
from services.provider_reports.consequences import consequences
from services.provider_reports.words import key_without_people, without_people

LONGEST_KEY = 200
"""Characters of a provider's code or name for an event that are kept."""


@dataclass(frozen=True)
class Report:
    """One thing that a provider told us about one message, which is named by our `message_id` or the provider's `provider_id`.

    `event_key` names what was told, such as `delivered` or the id of the provider's event: a report that comes again has the same
    key. `code` is the provider's own, and `detail` its words, in which addresses are hidden before they are kept. `reported_at`
    is None when the provider gives no time; then it is the time of arrival. `fault` says what follows, and None means what the
    kind says. What is `soft` may go away by itself.
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


async def apply_reports(database: Database, reports: Sequence[Report], commands: CommandDelivery | None) -> int:
    """Returns how many of the reports were new. A report about a message that this channel does not have changes nothing. One
    that names the message by the provider's id alone waits an hour for that id, which may not have been recorded yet.

    `commands` tells enrollments at once that they have to stop; with None, the worker's sweeper does. When some of the reports
    cannot be applied, the others are, and then the first error is raised, so that the provider reports again.
    """
    applied, failed = 0, []
    for each in reports:
        try:
            applied += await _apply(database, each, commands)
        except Exception as error:
            if is_away(error):
                raise
            failed.append(error)
    if failed:
        raise failed[0]
    return applied


async def _apply(database: Database, report: Report, commands: CommandDelivery | None) -> bool:
    async with database.transaction() as session:
        message = await find_reported(session, report.org_id, report.channel_id, report.message_id, report.provider_id)
        if message is None:
            await _let_wait(session, report)
            return False
        follows = await consequences(session, message, report.channel_id, report.kind, report.fault, soft=report.soft)
        await follows.lock(report.kind)
        row = MessageReport(
            org_id=report.org_id, message_id=message.id, kind=report.kind, address_hash=follows.soft_hash(), **_kept(report)
        )
        is_new = await add_report(session, row, report.provider_id)
        if is_new:
            await follows.act(row)
    await tell(commands, follows.command_ids)
    return is_new


async def _let_wait(session: AsyncSession, report: Report) -> None:
    """A report that names our own message is about none when there is no such message."""
    if report.message_id is not None or not report.provider_id:
        return
    if owned(await session.get(Channel, report.channel_id), report.org_id) is None:
        return
    waiting = WaitingReport(
        org_id=report.org_id,
        channel_id=report.channel_id,
        provider_id=report.provider_id,
        kind=report.kind,
        fault=report.fault.value if report.fault else None,
        soft=report.soft,
        **_kept(report),
    )
    await add_waiting(session, waiting)


def _kept(report: Report) -> dict[str, Any]:
    """Returns what is kept of a report's words. The code stays when the person is erased, so it names nobody either."""
    return {
        "event_key": key_without_people(cut(report.event_key, LONGEST_KEY)),
        "code": without_people(cut(report.code, LONGEST_KEY)) if report.code else None,
        "detail": without_people(report.detail) if report.detail else None,
        "reported_at": min(report.reported_at or now(), now()),
    }

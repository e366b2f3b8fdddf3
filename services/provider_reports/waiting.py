"""Applies reports that came before we knew the provider's id of their message (`models/messages/waiting_report.py`)."""

from models.base import now
from models.database import Database
from models.messages.report import find_reported
from models.messages.waiting_report import KEPT, WaitingReport, delete_waiting, due_reports
from services.channels.base import Fault
from services.commands.deliver import CommandDelivery
from services.provider_reports.apply import Report, apply_reports


class WaitingReports:
    def __init__(self, database: Database, commands: CommandDelivery | None = None) -> None:
        self._database = database
        self._commands = commands

    async def apply(self) -> int:
        """Returns how many were applied. It is safe to repeat, because a report counts once."""
        async with self._database.transaction() as session:
            due = await due_reports(session)
        done, applied = [], 0
        for each in due:
            if await self._is_known(each):
                applied += await apply_reports(self._database, [_report(each)], self._commands)
                done.append(each.id)
            elif now() - each.received_at >= KEPT:
                done.append(each.id)
        if done:
            async with self._database.transaction() as session:
                await delete_waiting(session, done)
        return applied

    async def _is_known(self, report: WaitingReport) -> bool:
        async with self._database.statement() as session:
            return await find_reported(session, report.org_id, report.channel_id, None, report.provider_id) is not None


def _report(waiting: WaitingReport) -> Report:
    return Report(
        waiting.org_id,
        waiting.channel_id,
        waiting.kind,
        waiting.event_key,
        provider_id=waiting.provider_id,
        code=waiting.code,
        detail=waiting.detail,
        reported_at=waiting.reported_at,
        fault=Fault(waiting.fault) if waiting.fault else None,
        soft=waiting.soft,
    )

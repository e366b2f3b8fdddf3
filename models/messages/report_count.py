"""How many messages of each content have which report as their highest one, without reading a message.

Triggers of the table `message` raise this counter when a message gets another report (`COUNT_REPORTS` in
`migrations/versions/0002_channels_consent_and_inbound_messages.py`). They run for such messages alone, so sending does not pay
for them.
"""

from collections.abc import Sequence

from sqlalchemy import String, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel

from models.messages.report import ReportKind


class ReportCount(SQLModel, table=True):
    """The counter of a content and a report is the sum over its slots, as in `message_count`."""

    __tablename__ = "report_count"

    content_id: int = Field(primary_key=True)
    report: ReportKind = Field(primary_key=True, sa_type=String)
    slot: int = Field(primary_key=True)
    messages: int


READ = """
SELECT content_id, report, sum(messages)::int AS messages FROM report_count WHERE content_id = ANY(CAST(:content_ids AS int[]))
GROUP BY content_id, report HAVING sum(messages) <> 0 ORDER BY content_id, report
"""


async def count_reports(session: AsyncSession, content_ids: Sequence[int]) -> dict[int, dict[ReportKind, int]]:
    """Returns messages by their highest report, for each of the contents. Reports that no message has are left out."""
    counts: dict[int, dict[ReportKind, int]] = {content_id: {} for content_id in content_ids}
    for row in await session.execute(text(READ), {"content_ids": list(content_ids)}):
        counts[row.content_id][ReportKind(row.report)] = row.messages
    return counts


async def count_all_reports(session: AsyncSession, content_ids: Sequence[int]) -> dict[ReportKind, int]:
    """Returns messages by their highest report, of all these contents together, in the order of the reports' ranks."""
    counts = (await count_reports(session, content_ids)).values()
    total = {kind: sum(each.get(kind, 0) for each in counts) for kind in ReportKind}
    return {kind: messages for kind, messages in total.items() if messages}

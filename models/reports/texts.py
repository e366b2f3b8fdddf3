"""The texts of a campaign or a sequence, their links, and how many messages were made of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.clicks.click import Scope
from models.errors import NotFound
from models.messages.message import MessageState
from models.messages.message_count import count_all_messages
from models.messages.report import ReportKind
from models.messages.report_count import count_all_reports


class LinkOfText(NamedTuple):
    """A link, where it stands, and the sequence's version (None for a campaign)."""

    id: UUID
    content_id: int
    position: int
    name: str | None
    url: str
    campaign_id: UUID | None
    sequence_id: UUID | None
    step_key: str | None
    version: int | None

    @property
    def scope(self) -> tuple[Scope, UUID]:
        """Returns where its clicks are counted."""
        if self.campaign_id is not None:
            return Scope.CAMPAIGN, self.campaign_id
        return (Scope.LINK, self.id) if self.sequence_id is None else (Scope.SEQUENCE, self.sequence_id)


@dataclass(frozen=True)
class MessageCounts:
    """`recipients` have a message in any state, and `reached` have one that was accepted, or may have arrived. `by_report` counts
    messages by their highest report."""

    by_state: dict[MessageState, int]
    by_report: dict[ReportKind, int]
    recipients: int
    reached: int


LINKS = """
SELECT link.id, link.content_id, link.position, link.name, link.url, content.campaign_id, content.sequence_id,
    content.step_key, version.version
FROM content
JOIN content_link link ON link.content_id = content.id
LEFT JOIN sequence_version version ON version.id = content.sequence_version_id
WHERE {condition}
ORDER BY content.id, link.position
"""

CONTENTS = "SELECT id FROM content WHERE {condition}"

REACHED = (MessageState.ACCEPTED, MessageState.UNKNOWN)

PEOPLE = """
SELECT count(*) AS recipients, count(*) FILTER (WHERE reached) AS reached
FROM (
    SELECT contact_id, bool_or(state = ANY(CAST(:reached AS text[]))) AS reached
    FROM message WHERE content_id = ANY(CAST(:content_ids AS int[])) GROUP BY contact_id
) person
"""


async def links_of(session: AsyncSession, scope: Scope, scope_id: UUID) -> list[LinkOfText]:
    """The links of a campaign's text, or of all published versions of a sequence."""
    rows = await session.execute(text(LINKS.format(condition=_condition(scope))), {"id": scope_id})
    return [LinkOfText(*row) for row in rows]


async def get_link(session: AsyncSession, org_id: UUID, link_id: UUID) -> LinkOfText:
    condition = "link.id = :id AND link.org_id = :org_id"
    row = (await session.execute(text(LINKS.format(condition=condition)), {"id": link_id, "org_id": org_id})).first()
    if row is None:
        raise NotFound("No such link.")
    return LinkOfText(*row)


async def contents_of(session: AsyncSession, scope: Scope, scope_id: UUID) -> list[int]:
    """The texts of a campaign or of all published versions of a sequence."""
    return list(await session.scalars(text(CONTENTS.format(condition=_condition(scope))), {"id": scope_id}))


def _condition(scope: Scope) -> str:
    return "content.campaign_id = :id" if scope == Scope.CAMPAIGN else "content.sequence_id = :id"


async def count_messages(session: AsyncSession, content_ids: Sequence[int], one_each: bool) -> MessageCounts:
    """`one_each` says that a contact has at most one of these messages, as in a campaign, so that the counters know the contacts
    too. Otherwise a contact with several messages is one recipient, which only the messages themselves can tell."""
    by_state, by_report = await count_all_messages(session, content_ids), await count_all_reports(session, content_ids)
    if one_each:
        return MessageCounts(by_state, by_report, sum(by_state.values()), sum(by_state.get(state, 0) for state in REACHED))
    people = (await session.execute(text(PEOPLE), {"content_ids": list(content_ids), "reached": list(REACHED)})).one()
    return MessageCounts(by_state, by_report, people.recipients, people.reached)

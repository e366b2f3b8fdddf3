"""All tracked links of an organization: each stands in one text, or is a shared link. With their clicks, from counters alone."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.clicks.verdict import Verdict
from models.messages.message_count import count_messages
from models.paging import PageRequest
from models.reports.texts import REACHED


class TrackedLink(NamedTuple):
    """`clicks` are by verdict, `people` those who clicked themselves, and `messages` those that were accepted, or may have
    been."""

    id: UUID
    name: str | None
    url: str
    slug: str | None
    campaign_id: UUID | None
    campaign: str | None
    sequence_id: UUID | None
    sequence: str | None
    step_key: str | None
    version: int | None
    trigger_key: str | None
    created_at: datetime
    clicks: dict[str, int]
    people: int
    messages: int


# A link that a trigger sends belongs to the trigger's campaign or sequence, and its clicks count for the link alone.
LISTED = """
SELECT link.id, link.name, link.url, shared.slug, coalesce(content.campaign_id, trigger.campaign_id) AS campaign_id,
    campaign.name AS campaign, coalesce(content.sequence_id, trigger.sequence_id) AS sequence_id, sequence.name AS sequence,
    content.step_key, version.version, trigger.key AS trigger_key, content.created_at, link.content_id,
    CASE WHEN content.campaign_id IS NOT NULL THEN 'campaign' WHEN content.sequence_id IS NOT NULL THEN 'sequence' ELSE 'link' END
        AS scope,
    coalesce(content.campaign_id, content.sequence_id, link.id) AS scope_id
FROM (
    SELECT * FROM content_link WHERE org_id = :org_id {conditions} ORDER BY id DESC LIMIT :rows
) AS link
JOIN content ON content.id = link.content_id
LEFT JOIN shared_link shared ON shared.id = link.id
LEFT JOIN trigger ON trigger.id = content.trigger_id
LEFT JOIN campaign ON campaign.id = coalesce(content.campaign_id, trigger.campaign_id)
LEFT JOIN sequence ON sequence.id = coalesce(content.sequence_id, trigger.sequence_id)
LEFT JOIN sequence_version version ON version.id = content.sequence_version_id
ORDER BY link.id DESC
"""
IN_MESSAGES = "EXISTS (SELECT FROM content WHERE content.id = content_link.content_id AND content.channel_id IS NOT NULL)"

# Every click has one device, known or not, so the rows of that dimension say how many there are.
CLICKS = """
SELECT counted.link_id, counted.verdict, sum(counted.clicks)::int AS clicks, sum(counted.link_people)::int AS people
FROM unnest(CAST(:scopes AS text[]), CAST(:scope_ids AS uuid[]), CAST(:link_ids AS uuid[])) AS asked (scope, scope_id, link_id)
CROSS JOIN unnest(CAST(:verdicts AS text[])) AS wanted (verdict)
JOIN click_by counted ON counted.scope = asked.scope AND counted.scope_id = asked.scope_id AND counted.link_id = asked.link_id
    AND counted.verdict = wanted.verdict AND counted.dimension = 'device_type'
GROUP BY counted.link_id, counted.verdict
"""


class Clicked(NamedTuple):
    """Clicks of one link by verdict, and the people who clicked it themselves."""

    clicks: dict[str, int]
    people: int


async def list_links(
    session: AsyncSession, org_id: UUID, page: PageRequest, in_messages: bool | None = None
) -> tuple[list[TrackedLink], UUID | None]:
    """Returns a page, newest first, and the id after which the next one begins. `in_messages` says whether links of messages are
    wanted, or shared links; None wants both."""
    conditions = ["AND id < :after"] if page.after else []
    if in_messages is not None:
        conditions.append(f"AND {'' if in_messages else 'NOT '}{IN_MESSAGES}")
    values = {"org_id": org_id, "rows": page.limit + 1} | ({"after": page.after} if page.after else {})
    rows = (await session.execute(text(LISTED.format(conditions=" ".join(conditions))), values)).all()
    shown = rows[: page.limit]
    clicked = await count_clicked(session, [(row.scope, row.scope_id, row.id) for row in shown])
    messages = await count_messages(session, sorted({row.content_id for row in shown}))
    found = [_link(row, clicked[row.id], messages.get(row.content_id, {})) for row in shown]
    return found, shown[-1].id if len(rows) > page.limit else None


async def count_clicked(session: AsyncSession, asked: Sequence[tuple[str, UUID, UUID]]) -> dict[UUID, Clicked]:
    """`asked` are the scopes, their ids and the links in them. Returns the clicks of each link, also of those without any."""
    scopes, scope_ids, link_ids = zip(*asked, strict=True) if asked else ((), (), ())
    values = {"scopes": list(scopes), "scope_ids": list(scope_ids), "link_ids": list(link_ids), "verdicts": list(Verdict)}
    clicks: dict[UUID, dict[str, int]] = defaultdict(dict)
    people: dict[UUID, int] = defaultdict(int)
    for row in await session.execute(text(CLICKS), values):
        clicks[row.link_id][row.verdict] = row.clicks
        if row.verdict == Verdict.HUMAN:
            people[row.link_id] = row.people
    return {each: Clicked(clicks[each], people[each]) for each in link_ids}


def _link(row: Any, clicked: Clicked, messages: dict[Any, int]) -> TrackedLink:
    about = {name: getattr(row, name) for name in TrackedLink._fields[:-3]}
    sent = sum(messages.get(state, 0) for state in REACHED)
    return TrackedLink(**about, clicks=clicked.clicks, people=clicked.people, messages=sent)

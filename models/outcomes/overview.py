"""What an organization's overview shows: what is being sent now, and what most people clicked. From counters alone."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.clicks.click import Scope
from models.reports.clicks import begin_of, end_of

MOST_CONSIDERED = 100
"""The newest so many campaigns and sequences are compared by their people."""
MOST_SHOWN = 10


class Sending(NamedTuple):
    """A campaign of which messages still go out. `recipients` is how many contacts were in its audience at the launch."""

    id: UUID
    name: str
    launched_at: datetime | None
    recipients: int | None
    content_id: int | None


class Clicked(NamedTuple):
    """A campaign or a sequence with the clicks of people and how many people these are."""

    id: UUID
    name: str
    clicks: int
    people: int


SENDING = """
SELECT id, name, launched_at, recipients, content_id FROM campaign
WHERE org_id = :org_id AND state = 'sending' ORDER BY id DESC LIMIT :most
"""

# The links come first, because they stand before the verdict and the time in the key. Every click has one device, known or not,
# so the few rows of that dimension say the same as all quarters of an hour together.
MOST_CLICKED = """
WITH considered AS MATERIALIZED (
    SELECT id, name FROM {scope} WHERE org_id = :org_id ORDER BY id DESC LIMIT :considered
)
SELECT considered.id, considered.name, sum(kept.clicks) AS clicks, sum(kept.people) AS people
FROM considered JOIN content ON content.{scope}_id = considered.id JOIN content_link link ON link.content_id = content.id
JOIN {table} kept ON kept.scope = '{scope}' AND kept.scope_id = considered.id AND kept.link_id = link.id
    AND kept.verdict = 'human' {conditions}
GROUP BY considered.id, considered.name HAVING sum(kept.clicks) > 0
ORDER BY people DESC, clicks DESC, considered.id DESC LIMIT :most
"""


async def sending_now(session: AsyncSession, org_id: UUID) -> list[Sending]:
    """Returns the newest ones first, 10 at most."""
    rows = await session.execute(text(SENDING), {"org_id": org_id, "most": MOST_SHOWN})
    return [Sending(*row) for row in rows]


async def most_clicked(
    session: AsyncSession, org_id: UUID, scope: Scope, since: datetime | None, until: datetime | None
) -> Sequence[Clicked]:
    """Returns the campaigns, or the sequences, that most people clicked first within this time, by quarters of an hour as in
    ClickQuestion: 10 at most, of the newest 100."""
    limits = {"kept.bucket >= :since": begin_of(since), "kept.bucket < :until": end_of(until)}
    given = [limit for limit, at in limits.items() if at is not None]
    timed = since is not None or until is not None
    statement = MOST_CLICKED.format(
        scope=scope.value,
        table="click_series" if timed else "click_by",
        conditions=" ".join(f"AND {each}" for each in (given if timed else ["kept.dimension = 'device_type'"])),
    )
    parameters: dict[str, Any] = {"org_id": org_id, "considered": MOST_CONSIDERED, "most": MOST_SHOWN}
    parameters |= {"since": begin_of(since), "until": end_of(until)}
    return [
        Clicked(row.id, row.name, int(row.clicks), int(row.people)) for row in await session.execute(text(statement), parameters)
    ]

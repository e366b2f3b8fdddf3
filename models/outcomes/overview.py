"""What an organization's overview shows: what is being sent now, and what most people clicked. From counters alone."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.base import first_id
from models.clicks.click import Scope
from models.messages.message import MessageState
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


MOST_MESSAGES = 50_000
"""Messages of one state that are counted."""

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


FIRST_CLICKS = """
WITH considered AS MATERIALIZED (SELECT id FROM {scope} WHERE org_id = :org_id ORDER BY id DESC LIMIT :considered)
SELECT date_bin(:length, kept.bucket, 'epoch') AS begin, sum(kept.people)::int AS people
FROM considered JOIN content ON content.{scope}_id = considered.id JOIN content_link link ON link.content_id = content.id
JOIN click_series kept ON kept.scope = '{scope}' AND kept.scope_id = considered.id AND kept.link_id = link.id
    AND kept.verdict = 'human' AND kept.bucket >= :since AND kept.bucket < :until AND kept.people <> 0
GROUP BY 1
"""
# From the index alone.
MESSAGES = """
SELECT state, count(*)::int FROM unnest(CAST(:states AS text[])) AS wanted (state) CROSS JOIN LATERAL (
    SELECT FROM message WHERE org_id = :org_id AND message.state = wanted.state AND id >= :first AND id < :behind LIMIT :most
) AS made GROUP BY state
"""


async def first_clicks(
    session: AsyncSession, org_id: UUID, since: datetime, until: datetime, length: timedelta
) -> dict[datetime, int]:
    """Returns how many people clicked a campaign or a sequence for the first time, by intervals of UTC: those of the newest 100
    campaigns and as many sequences, each of which counts its own people."""
    found = dict[datetime, int]()
    values = {
        "org_id": org_id,
        "considered": MOST_CONSIDERED,
        "length": length,
        "since": begin_of(since),
        "until": end_of(until) or until,
    }
    for scope in (Scope.CAMPAIGN, Scope.SEQUENCE):
        for begin, people in await session.execute(text(FIRST_CLICKS.format(scope=scope.value)), values):
            found[begin] = found.get(begin, 0) + people
    return found


async def messages_made(session: AsyncSession, org_id: UUID, since: datetime, until: datetime) -> dict[MessageState, int]:
    """Returns how many messages were made within this time, by their state now. Of each state 50,000 are counted."""
    values = {"org_id": org_id, "states": list(MessageState), "first": first_id(since), "behind": first_id(until)}
    rows = await session.execute(text(MESSAGES), {**values, "most": MOST_MESSAGES})
    return {MessageState(state): count for state, count in rows}


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

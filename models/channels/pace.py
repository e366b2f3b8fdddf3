"""How fast a channel sends: one token bucket for each channel, and one for each recipient domain, which all workers share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel

from models.base import Timestamp, now


class ChannelPace(SQLModel, table=True):
    """`domain` is empty for the bucket of the channel itself. `tokens` is what was left at `updated_at`; it is below 0 when a
    message cost more than the bucket holds. People who wait have taken the time up to `waits_until`, one after the other.

    Nothing is sent to the domain before `slow_until`, because its server asked us to slow down, `slowed` times in a row.
    """

    __tablename__ = "channel_pace"

    channel_id: UUID = Field(primary_key=True, foreign_key="channel.id")
    domain: str = Field(primary_key=True)
    tokens: float = 0
    updated_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    waits_until: datetime | None = Field(default=None, sa_type=Timestamp)
    slow_until: datetime | None = Field(default=None, sa_type=Timestamp)
    slowed: int = 0


THE_CHANNEL = ""
"""The `domain` of the bucket that belongs to the channel itself."""

LONGEST_LINE = timedelta(hours=1)
"""Whoever would have to wait longer comes back within this time and asks again, so that a new pace counts for everybody soon."""


def domain_of(address: str) -> str:
    """Returns the domain of an e-mail address. A phone number has none, which is an empty one."""
    return address.rpartition("@")[2].lower() if "@" in address else ""


@dataclass(frozen=True)
class Rate:
    """A bucket holds at most `burst` tokens and gets `rate` new ones a second. Bulk leaves the `reserve` in it."""

    rate: float
    burst: float
    reserve: float = 0


@dataclass(frozen=True)
class Wish:
    """So many messages, each of which costs `cost` tokens of the bucket of `domain`."""

    domain: str
    messages: int
    cost: float = 1


@dataclass(frozen=True)
class Granted:
    """So many messages may go. The first of the others may ask again at `again_at`, and each further one `apart` later."""

    messages: int
    again_at: datetime
    apart: timedelta


READ = text("SELECT config -> 'pace' FROM channel WHERE id = :channel_id")


async def read_pace(session: AsyncSession, channel_id: UUID) -> dict[str, Any] | None:
    """Returns the channel's pace as its settings have it, or None when it has none."""
    found: dict[str, Any] | None = await session.scalar(READ, {"channel_id": channel_id})
    return found


# The rows are locked in the order of the domains, so that two takers never wait for each other. What is left is computed from
# the rows as they are once the locks are held. A hair is given away, because whoever comes back is on time to the microsecond.
# Times that are ahead of the clock, because it was set back, count as now.
# A bulk comes back when half of its share is there, and at least one message.
TAKE = text("""
WITH locked AS MATERIALIZED (
    SELECT domain, tokens, updated_at, waits_until FROM channel_pace
     WHERE channel_id = :channel_id AND domain = ANY(CAST(:domains AS text[])) ORDER BY domain FOR UPDATE
), level AS MATERIALIZED (
    SELECT domain, given.wanted, given.cost, clock_timestamp() AS at,
           CASE WHEN waits_until <= clock_timestamp() + CAST(:longest AS interval) THEN waits_until END AS waits_until,
           least(given.cost, :burst - :reserve) AS least_tokens,
           least(:burst, tokens + :rate * greatest(0, extract(epoch FROM clock_timestamp() - updated_at))) - :reserve AS free
      FROM locked
      JOIN unnest(CAST(:domains AS text[]), CAST(:wanted AS int[]), CAST(:costs AS float8[])) AS given (domain, wanted, cost)
     USING (domain)
), granted AS MATERIALIZED (
    SELECT *, CASE WHEN (:behind AND coalesce(waits_until > at, false)) OR free < least_tokens - 0.01 THEN 0
                   ELSE least(wanted, greatest(1, floor((free + 0.01) / cost))) END::int AS messages
      FROM level
), after AS MATERIALIZED (
    SELECT *, free - messages * cost AS kept, make_interval(secs => cost / :rate) AS apart FROM granted
), line AS MATERIALIZED (
    SELECT *, CASE WHEN :bulk
        THEN at + make_interval(secs => greatest(0, greatest(least_tokens, (:burst - :reserve) / 2) - kept) / :rate)
        ELSE greatest(waits_until, at + make_interval(secs => greatest(0, least_tokens - kept) / :rate)) END AS again_at
      FROM after
)
UPDATE channel_pace
   SET tokens = line.kept + :reserve, updated_at = line.at,
       waits_until = CASE WHEN :bulk OR line.messages = line.wanted THEN line.waits_until
           ELSE least(line.again_at + (line.wanted - line.messages) * line.apart, line.at + CAST(:longest AS interval)) END
  FROM line WHERE channel_pace.channel_id = :channel_id AND channel_pace.domain = line.domain
RETURNING line.domain, line.messages, line.again_at, line.apart
""")
ADD = text("""
INSERT INTO channel_pace (channel_id, domain, tokens, updated_at, slowed)
SELECT :channel_id, domain, :burst, clock_timestamp(), 0 FROM unnest(CAST(:domains AS text[])) AS given (domain) ORDER BY domain
ON CONFLICT DO NOTHING
""")


async def take(
    session: AsyncSession, channel_id: UUID, rate: Rate, wishes: Sequence[Wish], *, bulk: bool = False, behind: bool = False
) -> dict[str, Granted]:
    """Takes tokens for each wish from the bucket of its domain, and returns what was granted, by domain. Each statement is a
    transaction by itself (`Database.statement`).

    A `bulk` leaves the reserve. Its others come back together, when there is something for them. Of everybody else those who get
    nothing take places in the line of the bucket, and come back one after the other. `behind` says to go behind those who stand
    in the line already. A message that costs more than a bucket holds goes when the bucket is full, and leaves a debt.
    """
    found = await _take(session, channel_id, rate, wishes, bulk=bulk, behind=behind)
    first = [each for each in wishes if each.domain not in found]
    if first:
        domains = [each.domain for each in first]
        await session.execute(ADD, {"channel_id": channel_id, "domains": domains, "burst": rate.burst})
        found |= await _take(session, channel_id, rate, first, bulk=bulk, behind=behind)
    return found


async def _take(
    session: AsyncSession, channel_id: UUID, rate: Rate, wishes: Sequence[Wish], *, bulk: bool, behind: bool
) -> dict[str, Granted]:
    values = {
        "channel_id": channel_id,
        "domains": [each.domain for each in wishes],
        "wanted": [each.messages for each in wishes],
        "costs": [each.cost for each in wishes],
        "rate": rate.rate,
        "burst": rate.burst,
        "reserve": rate.reserve if bulk else 0,
        "bulk": bulk,
        "behind": behind,
        "longest": LONGEST_LINE,
    }
    rows = await session.execute(TAKE, values)
    return {row.domain: Granted(row.messages, row.again_at, timedelta(0) if bulk else row.apart) for row in rows}


GIVE_BACK = text("""
WITH locked AS MATERIALIZED (
    SELECT domain FROM channel_pace
     WHERE channel_id = :channel_id AND domain = ANY(CAST(:domains AS text[])) ORDER BY domain FOR UPDATE
)
UPDATE channel_pace SET tokens = channel_pace.tokens + given.tokens
  FROM locked JOIN unnest(CAST(:domains AS text[]), CAST(:tokens AS float8[])) AS given (domain, tokens) USING (domain)
 WHERE channel_id = :channel_id AND channel_pace.domain = locked.domain
""")


async def give_back(session: AsyncSession, channel_id: UUID, tokens: Mapping[str, float]) -> None:
    """Puts tokens back that were taken and not used, by domain. Fewer than 0 are taken from the bucket in any case."""
    values = {"channel_id": channel_id, "domains": list(tokens), "tokens": list(tokens.values())}
    await session.execute(GIVE_BACK, values)

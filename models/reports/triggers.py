"""How often triggers fired, for how many people, and what became of their actions: from counters, never from rows."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.paging import PageRequest
from models.triggers.trigger import Trigger

MOST_VERSIONS = 20
"""The most versions of which the counts of one trigger are shown."""


class LinkClicks(NamedTuple):
    """A link of the message that an action `send` sends, and the clicks of people on it."""

    id: UUID
    name: str | None
    url: str
    clicks: int
    people: int


@dataclass
class ActionCounts:
    """Of one action. What has no outcome yet waits. `links` are those of a message that it sends, version by version, newest
    first, and of 20 versions at most."""

    position: int
    kind: str
    done: int = 0
    failed: int = 0
    skipped: int = 0
    waiting: int = 0
    links: list[LinkClicks] = field(default_factory=list)


class VersionCounts(NamedTuple):
    """`people` are counted in each version."""

    version: int
    trigger_id: UUID
    fired: int
    people: int


@dataclass(frozen=True)
class TriggerCounts:
    """`trigger` is the row of the latest version that has it, and `ids` are those of all versions. `versions` are empty for a
    campaign's."""

    trigger: Trigger
    ids: Sequence[UUID]
    fired: int
    people: int
    actions: Sequence[ActionCounts]
    versions: Sequence[VersionCounts]


# Triggers of several versions are one, when they have the same step and the same key. The oldest id of each stays the same when
# another version is published, so pages go by it.
GROUPS = """
SELECT ids FROM (
    SELECT array_agg(trigger.id ORDER BY trigger.id) AS ids FROM trigger {join} WHERE {condition} GROUP BY step_key, key
) AS each {after} ORDER BY ids[1] LIMIT :rows
"""
OF_VERSION = "JOIN sequence_version version ON version.id = sequence_version_id AND version.version = :version"
KINDS = """
SELECT trigger.id, version.version,
    ARRAY(SELECT action ->> 'kind' FROM jsonb_array_elements(trigger.definition -> 'actions') AS action) AS kinds
FROM trigger LEFT JOIN sequence_version version ON version.id = sequence_version_id
WHERE trigger.id = ANY(CAST(:ids AS uuid[]))
"""
COUNTS = "SELECT trigger_id, position, what, count AS number FROM trigger_count WHERE trigger_id = ANY(CAST(:ids AS uuid[]))"

# The clicks on such a link count in a scope of its own.
LINKS = """
SELECT content.trigger_id, action_position, link.id, link.name, link.url,
    coalesce(sum(series.clicks), 0) AS clicks, coalesce(sum(series.people), 0) AS people
FROM content JOIN content_link link ON link.content_id = content.id
LEFT JOIN click_series series ON series.scope = 'link' AND series.scope_id = link.id AND series.verdict = 'human'
WHERE content.trigger_id = ANY(CAST(:ids AS uuid[])) GROUP BY content.trigger_id, action_position, link.id
ORDER BY content.trigger_id, action_position, link.position
"""


async def count_campaign_triggers(
    session: AsyncSession, campaign_id: UUID, page: PageRequest
) -> tuple[list[TriggerCounts], UUID | None]:
    """Returns a page of the triggers in their order, in five statements at most, and the id after which the next page
    begins, which is None on the last page."""
    return await _counts(session, page, "campaign_id = :id", id=campaign_id)


async def count_sequence_triggers(
    session: AsyncSession, sequence_id: UUID, page: PageRequest, version: int | None = None
) -> tuple[list[TriggerCounts], UUID | None]:
    """As `count_campaign_triggers`. Without a version, all versions together."""
    given = {} if version is None else {"version": version}
    return await _counts(session, page, "trigger.sequence_id = :id", id=sequence_id, **given)


async def _counts(
    session: AsyncSession, page: PageRequest, condition: str, **values: UUID | int
) -> tuple[list[TriggerCounts], UUID | None]:
    after = "" if page.after is None else "WHERE ids[1] > :after"
    statement = GROUPS.format(join=OF_VERSION if "version" in values else "", condition=condition, after=after)
    given = values if page.after is None else {**values, "after": page.after}
    groups = [list(ids) for ids in await session.scalars(text(statement), {**given, "rows": page.limit + 1})]
    shown = groups[: page.limit]
    if not shown:
        return [], None
    counted = await _read(session, [each for ids in shown for each in ids])
    latest = await session.scalars(select(Trigger).where(col(Trigger.id).in_([ids[-1] for ids in shown])))
    rows = {row.id: row for row in latest}
    found = [_sum(rows[ids[-1]], [counted[each] for each in reversed(ids)]) for ids in shown]
    return found, shown[-1][0] if len(groups) > page.limit else None


@dataclass(frozen=True)
class _Counted:
    """One row of `trigger` with its counters, by position and what is counted, and the links of its messages, by position."""

    trigger_id: UUID
    version: int | None
    kinds: Sequence[str]
    counts: Mapping[tuple[int, str], int]
    links: Mapping[int, list[LinkClicks]]

    def of(self, what: str, position: int = -1) -> int:
        return self.counts.get((position, what), 0)


async def _read(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, _Counted]:
    counts: defaultdict[UUID, dict[tuple[int, str], int]] = defaultdict(dict)
    for row in await session.execute(text(COUNTS), {"ids": ids}):
        counts[row.trigger_id][row.position, row.what] = row.number
    rows = (await session.execute(text(KINDS), {"ids": ids})).all()
    links = await _links(session, [row.id for row in rows if "send" in row.kinds])
    return {row.id: _Counted(row.id, row.version, row.kinds, counts[row.id], links[row.id]) for row in rows}


async def _links(session: AsyncSession, ids: Sequence[UUID]) -> Mapping[UUID, Mapping[int, list[LinkClicks]]]:
    found: defaultdict[UUID, defaultdict[int, list[LinkClicks]]] = defaultdict(lambda: defaultdict(list))
    for row in await session.execute(text(LINKS), {"ids": ids}) if ids else ():
        found[row.trigger_id][row.action_position].append(LinkClicks(row.id, row.name, row.url, int(row.clicks), int(row.people)))
    return found


def _sum(trigger: Trigger, rows: Sequence[_Counted]) -> TriggerCounts:
    """`rows` come newest first. An action is the same one in another version when it has the same position and kind."""
    actions: dict[tuple[int, str], ActionCounts] = {}
    for index, row in enumerate(rows):
        for position, kind in enumerate(row.kinds):
            action = actions.setdefault((position, kind), ActionCounts(position, kind))
            done, failed, skipped = (row.of(what, position) for what in ("done", "failed", "skipped"))
            action.done, action.failed, action.skipped = action.done + done, action.failed + failed, action.skipped + skipped
            action.waiting += max(row.of("fired") - done - failed - skipped, 0)
            action.links += row.links.get(position, []) if index < MOST_VERSIONS else []
    versions = [
        VersionCounts(row.version, row.trigger_id, row.of("fired"), row.of("people"))
        for row in rows[:MOST_VERSIONS]
        if row.version is not None
    ]
    fired, people = (sum(row.of(what) for row in rows) for what in ("fired", "people"))
    return TriggerCounts(
        trigger,
        [row.trigger_id for row in rows],
        fired,
        people,
        sorted(actions.values(), key=lambda each: each.position),
        versions,
    )

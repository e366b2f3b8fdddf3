"""Gives a recorded click another verdict, and makes all counters say so, in one transaction.

It is written as recorders write: table by table, and rows in the order of their keys, so that each waits for the other instead of
deadlocking. A recorder locks the first clicks of the people of its batch, and so does this. Therefore no click of the
person is recorded between the look for the oldest one that is left and the commit.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from models.base import Timestamp, first_id, new_id, now
from models.clicks.click import OWNERS, Scope
from models.clicks.counters import BUCKET, BUCKET_OF, NO_LINK, PERSON_SCOPES, RAISE, RAISE_SERIES, SCOPES, VALUES
from models.clicks.retention import ONE_AT_A_TIME
from models.clicks.verdict import CORRECTED, Verdict
from models.organizations.owned import require_owned


class ClickCorrection(SQLModel, table=True):
    """Somebody gave a click another verdict, with the key `key_id`. `note` is for whoever asks later."""

    __tablename__ = "click_correction"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    org_id: UUID
    click_id: UUID = Field(index=True)
    at: datetime = Field(default_factory=now, sa_type=Timestamp)
    old_verdict: str
    old_reason: str
    verdict: str
    note: str | None = None
    key_id: str | None = None


@dataclass
class CorrectedClick:
    """A click with its verdict and the reason of it."""

    id: UUID
    org_id: UUID
    contact_id: UUID | None
    link_id: UUID
    clicked_at: datetime
    bucket: datetime
    verdict: str
    reason: str
    changed: bool = False
    """Whether this correction changed it."""


class _Change(NamedTuple):
    """What a click adds to the rows of counters in which it is, in one scope and with one verdict."""

    click_id: UUID
    scope: str
    scope_id: UUID
    verdict: str
    clicks: int
    people: int
    link_people: int


FIND = f"""
SELECT id, org_id, contact_id, link_id, clicked_at, {BUCKET_OF} AS bucket, verdict, reason FROM click WHERE id = :id
"""  # noqa: S608 - made of constants

# Somebody who is being erased is erased first: what is known of the click then moves in the counters as well.
LOCK_PERSON = "SELECT FROM contact WHERE id = :contact_id FOR SHARE"

CHANGE = """
WITH changed AS (
    UPDATE click SET verdict = :verdict, reason = :reason WHERE id = :id
)
UPDATE click_metadata SET verdict = :verdict WHERE click_id = :id
"""

# The rows of both verdicts, in the order of their keys. Where the person has none with the new one, this click is the first.
LOCK_FIRSTS = f"""
INSERT INTO click_first AS kept (scope, scope_id, verdict, contact_id, click_id)
SELECT scope, scope_id, wanted.verdict, contact_id, click.id
FROM click CROSS JOIN LATERAL {PERSON_SCOPES} CROSS JOIN (VALUES (:old), (:verdict)) AS wanted (verdict)
WHERE click.id = :id AND scope_id IS NOT NULL AND contact_id IS NOT NULL
ORDER BY scope, scope_id, wanted.verdict, contact_id
ON CONFLICT (scope, scope_id, verdict, contact_id) DO UPDATE SET click_id = kept.click_id
"""  # noqa: S608 - made of constants

# In each scope in which it was the person's first click, the oldest one that is left takes its place.
MOVE_FIRSTS = f"""
WITH first AS MATERIALIZED (
    SELECT scopes.scope, scopes.scope_id, kept.verdict, kept.contact_id, kept.verdict = :verdict AS becomes, (
        SELECT other.id FROM click other WHERE other.contact_id = kept.contact_id AND other.verdict = :old
            AND CASE kept.scope WHEN 'campaign' THEN other.campaign_id WHEN 'sequence' THEN other.sequence_id
                ELSE other.link_id END = kept.scope_id
        ORDER BY other.id LIMIT 1
    ) AS next_id
    FROM click CROSS JOIN LATERAL {PERSON_SCOPES}
    JOIN click_first kept ON (kept.scope, kept.scope_id, kept.contact_id) = (scopes.scope, scopes.scope_id, click.contact_id)
    WHERE click.id = :id AND kept.click_id = click.id AND kept.verdict IN (:old, :verdict)
), moved AS (
    UPDATE click_first kept SET click_id = next_id FROM first
    WHERE NOT becomes AND next_id IS NOT NULL AND (kept.scope, kept.scope_id) = (first.scope, first.scope_id)
        AND (kept.verdict, kept.contact_id) = (first.verdict, first.contact_id)
), removed AS (
    DELETE FROM click_first kept USING first
    WHERE NOT becomes AND next_id IS NULL AND (kept.scope, kept.scope_id) = (first.scope, first.scope_id)
        AND (kept.verdict, kept.contact_id) = (first.verdict, first.contact_id)
)
SELECT scope, scope_id, becomes, next_id FROM first
"""  # noqa: S608 - made of constants

SCOPES_OF = f"""
SELECT click.id, scope, scope_id FROM click CROSS JOIN LATERAL {SCOPES}
WHERE click.id = ANY(CAST(:ids AS uuid[])) AND scope_id IS NOT NULL
"""  # noqa: S608 - made of constants

CHANGED = f"""(
    SELECT scope, scope_id, CASE WHEN scope = '{Scope.ORGANIZATION}' THEN CAST('{NO_LINK}' AS uuid) ELSE link_id END AS link_id,
        change.verdict, clicks, people, link_people, {BUCKET_OF} AS bucket, clicked_at, sent_at, country, region, city,
        device_type, browser, os
    FROM jsonb_to_recordset(CAST(:changes AS jsonb)) AS change (click_id uuid, scope text, scope_id uuid, verdict text,
        clicks int, people int, link_people int)
    JOIN click ON click.id = change.click_id LEFT JOIN click_metadata metadata ON metadata.click_id = click.id
) AS changed"""  # noqa: S608 - made of constants

COUNT_SERIES = f"""
INSERT INTO click_series AS kept (scope, scope_id, link_id, verdict, bucket, clicks, people, link_people, first_at, last_at)
SELECT scope, scope_id, link_id, verdict, bucket, sum(clicks), sum(people), sum(link_people),
    min(clicked_at) FILTER (WHERE clicks > 0), max(clicked_at) FILTER (WHERE clicks > 0)
FROM {CHANGED} GROUP BY scope, scope_id, link_id, verdict, bucket
HAVING (sum(clicks), sum(people), sum(link_people)) <> (0, 0, 0) ORDER BY scope, scope_id, link_id, verdict, bucket
ON CONFLICT (scope, scope_id, link_id, verdict, bucket) DO UPDATE SET {RAISE_SERIES}
"""  # noqa: S608 - made of constants

COUNT_BY = f"""
INSERT INTO click_by AS kept (scope, scope_id, link_id, verdict, dimension, value, clicks, people, link_people)
SELECT scope, scope_id, link_id, verdict, dimension, value, sum(clicks), sum(people), sum(link_people)
FROM {CHANGED} CROSS JOIN LATERAL {VALUES} WHERE scope <> '{Scope.ORGANIZATION}'
GROUP BY scope, scope_id, link_id, verdict, dimension, value
HAVING (sum(clicks), sum(people), sum(link_people)) <> (0, 0, 0)
ORDER BY scope, scope_id, link_id, verdict, dimension, value
ON CONFLICT (scope, scope_id, link_id, verdict, dimension, value) DO UPDATE SET {RAISE}
"""  # noqa: S608 - made of constants

# Of clicks whose rows retention has removed the times are not known any more, so those of the counter stay.
SET_TIMES = """
UPDATE click_series kept SET (first_at, last_at) = (
    SELECT min(clicked_at), max(clicked_at) FROM click
    WHERE {also}{owner} = :scope_id {link} AND verdict = :old AND id >= :first_id AND id < :end_id
)
WHERE (scope, scope_id, link_id, verdict, bucket) = (:scope, :scope_id, :link_id, :old, :bucket)
    AND retired_clicks = 0 AND clicks > 0 AND (first_at = :clicked_at OR last_at = :clicked_at)
"""

REMOVE_EMPTY_SERIES = """
DELETE FROM click_series WHERE (scope, scope_id, link_id, verdict, bucket) = (:scope, :scope_id, :link_id, :old, :bucket)
    AND clicks = 0
"""

REMOVE_EMPTY_BY = f"""
DELETE FROM click_by kept USING {CHANGED} CROSS JOIN LATERAL {VALUES}
WHERE (kept.scope, kept.scope_id, kept.link_id) = (changed.scope, changed.scope_id, changed.link_id) AND kept.clicks = 0
    AND kept.verdict = changed.verdict AND (kept.dimension, kept.value) = (dimensions.dimension, dimensions.value)
"""  # noqa: S608 - made of constants

RAISE_ENGAGEMENT = """
INSERT INTO contact_engagement AS kept (org_id, contact_id, clicks, last_click_at) VALUES (:org_id, :contact_id, 1, :clicked_at)
ON CONFLICT (org_id, contact_id) DO UPDATE SET clicks = kept.clicks + 1,
    last_click_at = greatest(kept.last_click_at, excluded.last_click_at)
"""
LOWER_ENGAGEMENT = (
    "UPDATE contact_engagement SET clicks = clicks - 1 WHERE org_id = :org_id AND contact_id = :contact_id",
    "DELETE FROM contact_engagement WHERE org_id = :org_id AND contact_id = :contact_id AND clicks = 0",
    """
    UPDATE contact_engagement SET last_click_at = coalesce((
        SELECT max(clicked_at) FROM click WHERE contact_id = :contact_id AND verdict = 'human'
    ), last_click_at)
    WHERE org_id = :org_id AND contact_id = :contact_id AND last_click_at = :clicked_at AND retired_clicks = 0
    """,
)


async def latest_correction(session: AsyncSession, click_id: UUID) -> ClickCorrection | None:
    of_click = select(ClickCorrection).where(col(ClickCorrection.click_id) == click_id)
    return await session.scalar(of_click.order_by(col(ClickCorrection.id).desc()).limit(1))


async def correct_verdict(  # noqa: PLR0913, RUF100 - a row's columns
    session: AsyncSession,
    org_id: UUID,
    click_id: UUID,
    verdict: Verdict,
    note: str | None = None,
    key_id: str | None = None,
) -> CorrectedClick:
    """Returns the click as it is then. One that has the verdict already stays as it is. Raises NotFound. Starts nothing: what a
    person's click would have woken is not woken later."""
    await session.execute(text(ONE_AT_A_TIME), {"org_id": org_id})
    row = (await session.execute(text(FIND), {"id": click_id})).first()
    click = require_owned(CorrectedClick(*row) if row else None, org_id, "click")
    if click.verdict == verdict:
        return click
    if click.contact_id is not None:
        await session.execute(text(LOCK_PERSON), {"contact_id": click.contact_id})
    await session.execute(text(CHANGE), {"id": click.id, "verdict": verdict, "reason": CORRECTED})
    old_verdict, old_reason = click.verdict, click.reason
    session.add(
        ClickCorrection(
            org_id=org_id,
            click_id=click.id,
            old_verdict=old_verdict,
            old_reason=old_reason,
            verdict=verdict,
            note=note,
            key_id=key_id,
        )
    )
    await session.flush()
    changes = await _changes(session, click, verdict)
    await _count(session, click, changes)
    if click.contact_id is not None:
        about = {name: getattr(click, name) for name in ("org_id", "contact_id", "clicked_at")}
        lowered = LOWER_ENGAGEMENT if click.verdict == Verdict.HUMAN else ()
        for statement in (RAISE_ENGAGEMENT,) if verdict == Verdict.HUMAN else lowered:
            used = {name: value for name, value in about.items() if f":{name}" in statement}
            await session.execute(text(statement), used)
    return replace(click, verdict=verdict, reason=CORRECTED, changed=True)


async def _changes(session: AsyncSession, click: CorrectedClick, verdict: Verdict) -> list[_Change]:
    """Moves the person's first clicks, and returns what changes in the counters."""
    given = {"id": click.id, "old": click.verdict, "verdict": verdict}
    await session.execute(text(LOCK_FIRSTS), given)
    moves = (await session.execute(text(MOVE_FIRSTS), given)).all()
    was = {move.scope for move in moves if not move.becomes}
    becomes = {move.scope for move in moves if move.becomes}
    next_ids = {move.scope: move.next_id for move in moves if not move.becomes and move.next_id is not None}
    scopes = (await session.execute(text(SCOPES_OF), {"ids": [click.id, *next_ids.values()]})).all()
    organization = Scope.ORGANIZATION.value, click.org_id
    changes = [_Change(click.id, *organization, click.verdict, -1, 0, 0), _Change(click.id, *organization, verdict, 1, 0, 0)]
    for id, scope, scope_id in scopes:
        if id == click.id:
            lost, won = (scope in was, Scope.LINK in was), (scope in becomes, Scope.LINK in becomes)
            changes.append(_Change(id, scope, scope_id, click.verdict, -1, -int(lost[0]), -int(lost[1])))
            changes.append(_Change(id, scope, scope_id, verdict, 1, int(won[0]), int(won[1])))
        else:
            people, link_people = next_ids.get(scope) == id, next_ids.get(Scope.LINK) == id
            changes.append(_Change(id, scope, scope_id, click.verdict, 0, int(people), int(link_people)))
    return changes


async def _count(session: AsyncSession, click: CorrectedClick, changes: list[_Change]) -> None:
    given = {"changes": orjson.dumps([change._asdict() for change in changes]).decode()}
    await session.execute(text(COUNT_SERIES), given)
    for change in changes:
        if change.clicks < 0:
            await _lowered(session, click, Scope(change.scope), change.scope_id)
    await session.execute(text(COUNT_BY), given)
    await session.execute(text(REMOVE_EMPTY_BY), given)


async def _lowered(session: AsyncSession, click: CorrectedClick, scope: Scope, scope_id: UUID) -> None:
    """Makes the row right that has one click less."""
    owner, also = OWNERS[scope]
    link = "" if scope is Scope.ORGANIZATION else "AND link_id = :link_id"
    row = {
        "scope": scope.value,
        "scope_id": scope_id,
        "link_id": NO_LINK if scope is Scope.ORGANIZATION else click.link_id,
        "old": click.verdict,
        "bucket": click.bucket,
    }
    times = {"first_id": first_id(click.bucket), "end_id": first_id(click.bucket + BUCKET), "clicked_at": click.clicked_at}
    await session.execute(text(SET_TIMES.format(owner=owner, also=also, link=link)), {**row, **times})
    await session.execute(text(REMOVE_EMPTY_SERIES), row)

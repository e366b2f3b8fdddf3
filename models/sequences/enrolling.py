"""Which published sequences enroll their people in which others, and how long people wait in one before they enter the next.

So sequences that would enroll somebody in a circle without an end are found before they are published.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from heapq import heappop, heappush
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, insert, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col


class SequenceEnrolls(SQLModel, table=True):
    """The current version of a sequence enrolls people in `target_id`, by a step or a trigger, at least `waits` after they have
    entered. `target_id` is not a foreign key: its check would wait for whoever publishes that sequence, and perhaps waits for
    this one."""

    __tablename__ = "sequence_enrolls"

    sequence_id: UUID = Field(foreign_key="sequence.id", primary_key=True)
    target_id: UUID = Field(primary_key=True)
    waits: timedelta


class Enrolling(NamedTuple):
    source: UUID
    target: UUID
    waits: timedelta


class Round(NamedTuple):
    """Sequences that enroll each other, and the least time that one round takes. The first one comes last again."""

    sequences: list[UUID]
    takes: timedelta


def quickest_rounds(firsts: Sequence[Enrolling], others: Iterable[Enrolling]) -> list[Round | None]:
    """Returns for each of `firsts`, which have one source, the way with the least waiting that begins with it and comes back to
    it, or None without such a way. The ways back are looked for once, however many begin."""
    if not firsts:
        return []
    source, before = firsts[0].source, defaultdict[UUID, list[Enrolling]](list)
    for each in others:
        before[each.target].append(each)
    least, onward = {source: timedelta(0)}, dict[UUID, UUID]()
    queue = [(timedelta(0), source)]
    while queue:
        takes, reached = heappop(queue)
        if takes > least[reached]:
            continue
        for each in before[reached]:
            if each.source not in least or takes + each.waits < least[each.source]:
                least[each.source], onward[each.source] = takes + each.waits, reached
                heappush(queue, (least[each.source], each.source))
    return [_round(each, onward, least) if each.target in least else None for each in firsts]


def _round(first: Enrolling, onward: Mapping[UUID, UUID], least: Mapping[UUID, timedelta]) -> Round:
    way = [first.source, first.target]
    while way[-1] != first.source:
        way.append(onward[way[-1]])
    return Round(way, first.waits + least[first.target])


LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('sequence_enrolls ' || :org, 0))"

# Only what can be reached is read, however many sequences the organization has.
REACHED = """
WITH RECURSIVE reached (id) AS (
    SELECT unnest(CAST(:targets AS uuid[]))
    UNION
    SELECT target_id FROM reached JOIN sequence_enrolls ON sequence_enrolls.sequence_id = reached.id
)
SELECT sequence_id, target_id, waits FROM reached JOIN sequence_enrolls ON sequence_enrolls.sequence_id = reached.id
"""


async def lock_enrollings(session: AsyncSession, org_id: UUID) -> None:
    """Until the transaction ends, nobody else of the organization publishes a sequence that enrolls. So two that enroll each
    other cannot be published at the same moment."""
    await session.execute(text(LOCK), {"org": str(org_id)})


async def enrollings_from(session: AsyncSession, targets: Iterable[UUID]) -> list[Enrolling]:
    """Returns what is published and can be reached from these sequences."""
    return [Enrolling(*row) for row in await session.execute(text(REACHED), {"targets": list(targets)})]


async def store_enrollings(session: AsyncSession, sequence_id: UUID, enrollings: Sequence[Enrolling]) -> None:
    """Replaces those of the sequence. Of several with the same target, the quickest one counts."""
    await session.execute(delete(SequenceEnrolls).where(col(SequenceEnrolls.sequence_id) == sequence_id))
    quickest: dict[UUID, timedelta] = {}
    for each in enrollings:
        quickest[each.target] = min(each.waits, quickest.get(each.target, each.waits))
    if quickest:
        rows = [{"sequence_id": sequence_id, "target_id": target, "waits": waits} for target, waits in quickest.items()]
        await session.execute(insert(SequenceEnrolls), rows)

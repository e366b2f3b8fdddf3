"""Enrolls contacts in a sequence, as its re-entry rule allows, whatever enrolls them: a request, a trigger or a step."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from json import dumps
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.base import new_id, now
from models.contacts.lock import hold_contacts
from models.sequences.enrollment import CauseKind
from models.sequences.re_entry import ReEntry, ReEntryLimit
from models.sequences.sequence import Sequence as SequenceTable
from models.sequences.sequence import SequenceVersion
from models.start import after_grace


class EnrollResult(StrEnum):
    """What became of one person who was to be enrolled. A request never answers the last two: it is refused as a whole then."""

    ENROLLED = "enrolled"
    ALREADY_ENROLLED = "already_enrolled"
    ENTERED_BEFORE = "entered_before"
    TOO_OFTEN = "too_often"
    UNKNOWN_CONTACT = "unknown_contact"
    TOO_MANY_ENROLLMENTS = "too_many_enrollments"
    SEQUENCE_NOT_PUBLISHED = "sequence_not_published"


class Cause(NamedTuple):
    """What enrolls a person: the action `number` of the firing `id`, or the passage `number` of the enrollment `id`. One cause
    enrolls a person once, however often it is repeated."""

    kind: CauseKind
    id: UUID
    number: int


class Person(NamedTuple):
    """Without a cause it was a request. `variables` are what the messages of the enrollment can use."""

    contact_id: UUID
    cause: Cause | None = None
    variables: Mapping[str, Any] = {}

    @property
    def key(self) -> tuple[UUID, Cause | None]:
        return self.contact_id, self.cause


@dataclass(frozen=True)
class Enrolled:
    """`enrollment_id` is the new one when the person was enrolled. Otherwise it is the one that stood in the way, and None when
    there is none."""

    contact_id: UUID
    result: EnrollResult
    enrollment_id: UUID | None


@dataclass(frozen=True)
class Target:
    """The published version in which people are enrolled. `campaign_id` is set when a campaign's trigger enrolls them, and
    `key_id` is the API key of a request that does."""

    org_id: UUID
    sequence_id: UUID
    version_id: UUID
    re_entry: ReEntry
    limit: ReEntryLimit | None
    campaign_id: UUID | None = None
    key_id: str | None = None


class _Known(NamedTuple):
    """What stands in the way of a contact: an enrollment that is not over, the last one of all, and how many began lately."""

    active: UUID | None
    last: UUID | None
    lately: int


# Rows are written in the order of the contacts, so that two requests with the same contacts wait for each other instead of
# deadlocking. A row and its event are one statement, so nobody sees an enrollment without its first event. Rows that a unique
# index refuses are left out, also when another transaction has just committed them. The look for others is for those that were
# enrolled under another rule, which the indexes do not cover.
INSERT = """
WITH given AS (
    SELECT *, row_number() OVER (PARTITION BY contact_id ORDER BY place) AS nth
    FROM unnest(CAST(:ids AS uuid[]), CAST(:event_ids AS uuid[]), CAST(:contact_ids AS uuid[]), CAST(:causes AS text[]),
        CAST(:cause_ids AS uuid[]), CAST(:cause_numbers AS int[]), CAST(:variables AS jsonb[]))
        WITH ORDINALITY AS given (id, event_id, contact_id, cause, cause_id, cause_number, variables, place)
), inserted AS (
    INSERT INTO enrollment (id, org_id, sequence_id, sequence_version_id, contact_id, campaign_id, cause, cause_id, cause_number,
        variables, re_entry, state, step_run, created_at, start_due_at, start_attempts)
    SELECT given.id, :org_id, :sequence_id, :version_id, given.contact_id, CAST(:campaign_id AS uuid), given.cause,
        given.cause_id, given.cause_number, given.variables, :re_entry, 'queued', 0, :now, :start_due_at, 0
    FROM given JOIN contact ON contact.id = given.contact_id AND contact.org_id = :org_id AND contact.erased_at IS NULL
    WHERE {allowed}
    ORDER BY given.contact_id, given.place
    ON CONFLICT DO NOTHING
    RETURNING id, contact_id, cause, cause_id
), recorded AS (
    INSERT INTO event (id, org_id, contact_id, enrollment_id, sequence_id, kind, step_run, detail, at)
    SELECT given.event_id, :org_id, inserted.contact_id, inserted.id, :sequence_id, 'enrolled', 0,
        jsonb_strip_nulls(jsonb_build_object('campaign_id', CAST(:campaign_id AS uuid), 'cause_id', inserted.cause_id,
            'cause', CASE WHEN inserted.cause_id IS NOT NULL THEN inserted.cause END, 'key_id', CAST(:key_id AS text))), :now
    FROM inserted JOIN given USING (id)
)
SELECT id FROM inserted
"""
OTHERS = "SELECT FROM enrollment other WHERE other.contact_id = given.contact_id AND other.sequence_id = :sequence_id"
ALLOWED = {
    ReEntry.NEVER: f"NOT EXISTS ({OTHERS})",
    ReEntry.AFTER_FINISHING: f"NOT EXISTS ({OTHERS} AND other.state IN ('queued', 'running'))",
    ReEntry.ALWAYS: "true",
}
LATELY = f"{OTHERS} AND other.created_at > :since LIMIT :times"
WITHIN_LIMIT = f" AND given.nth + (SELECT count(*) FROM ({LATELY}) AS lately) <= :times"  # noqa: S608 - from above

KNOWN = """
SELECT contact.id, other.active, other.last, other.lately
FROM contact CROSS JOIN LATERAL (
    SELECT (array_agg(id ORDER BY id DESC) FILTER (WHERE state IN ('queued', 'running')))[1] AS active,
        (array_agg(id ORDER BY id DESC))[1] AS last,
        count(*) FILTER (WHERE created_at > CAST(:since AS timestamptz)) AS lately
    FROM enrollment WHERE contact_id = contact.id AND sequence_id = :sequence_id
) AS other
WHERE contact.id = ANY(CAST(:contact_ids AS uuid[])) AND contact.org_id = :org_id AND contact.erased_at IS NULL
"""

BY_CAUSE = """
SELECT given.place, enrollment.id
FROM unnest(CAST(:cause_ids AS uuid[]), CAST(:cause_numbers AS int[]), CAST(:contact_ids AS uuid[]))
    WITH ORDINALITY AS given (cause_id, cause_number, contact_id, place)
JOIN enrollment USING (cause_id, cause_number, contact_id)
"""


async def published_target(
    session: AsyncSession, org_id: UUID, sequence_id: UUID, campaign_id: UUID | None = None
) -> Target | None:
    """Returns None when the organization has no such sequence, or has not published it."""
    rows = await session.execute(
        select(SequenceTable, col(SequenceVersion.id))
        .join(SequenceVersion, col(SequenceVersion.sequence_id) == col(SequenceTable.id))
        .where(
            col(SequenceTable.id) == sequence_id,
            col(SequenceTable.org_id) == org_id,
            col(SequenceVersion.version) == col(SequenceTable.version),
        )
    )
    row = rows.first()
    return target(row[0], row[1], campaign_id) if row else None


def target(sequence: SequenceTable, version_id: UUID, campaign_id: UUID | None = None) -> Target:
    """Returns the sequence's version as a target, with the re-entry rule that the sequence has now."""
    limit = ReEntryLimit.model_validate(sequence.re_entry_limit) if sequence.re_entry_limit else None
    return Target(sequence.org_id, sequence.id, version_id, ReEntry(sequence.re_entry), limit, campaign_id)


async def enroll(session: AsyncSession, into: Target, people: Sequence[Person], room: int | None = None) -> list[Enrolled]:
    """Returns one result for each of `people`, in their order. Somebody who is named twice with one cause is enrolled once.

    Those beyond the first `room` who are new are refused. With None, there is room for all.
    """
    new = {person.key: person for person in people}
    results = await _by_cause(session, new.values())
    left = [person for key, person in new.items() if key not in results]
    if room is not None and len(left) > room:
        results |= {each.key: Enrolled(each.contact_id, EnrollResult.TOO_MANY_ENROLLMENTS, None) for each in left[room:]}
        left = left[:room]
    if into.limit is not None:  # a number of rows is no unique index, so those who enroll the same contact wait for each other
        await hold_contacts(session, {person.contact_id for person in left})
    for _ in range(2):  # an enrollment that stood in the way of the insert may have ended before the look
        results |= await _insert(session, into, left)
        left = [person for person in left if person.key not in results]
        results |= await _refusals(session, into, left)
        left = [person for person in left if person.key not in results]
    results |= {each.key: Enrolled(each.contact_id, EnrollResult.ALREADY_ENROLLED, None) for each in left}
    return _in_order(people, results)


Results = dict[tuple[UUID, Cause | None], Enrolled]


def _in_order(people: Sequence[Person], results: Results) -> list[Enrolled]:
    """The second result of somebody who is named twice says that the person is enrolled already."""
    seen: set[tuple[UUID, Cause | None]] = set()
    answer: list[Enrolled] = []
    for person in people:
        found = results[person.key]
        if person.key in seen and found.result == EnrollResult.ENROLLED:
            found = Enrolled(found.contact_id, EnrollResult.ALREADY_ENROLLED, found.enrollment_id)
        seen.add(person.key)
        answer.append(found)
    return answer


async def _insert(session: AsyncSession, into: Target, people: Sequence[Person]) -> Results:
    """Returns the people who are enrolled now."""
    if not people:
        return {}
    given = {new_id(): person for person in people}
    at = now()
    limited = {"since": into.limit.since(at), "times": into.limit.times} if into.limit else {}
    allowed = ALLOWED[into.re_entry] + (WITHIN_LIMIT if into.limit else "")
    parameters: dict[str, Any] = {
        "ids": list(given),
        "event_ids": [new_id() for _ in given],
        "contact_ids": [person.contact_id for person in people],
        "causes": [person.cause.kind if person.cause else CauseKind.REQUEST for person in people],
        "cause_ids": [person.cause and person.cause.id for person in people],
        "cause_numbers": [person.cause and person.cause.number for person in people],
        "variables": [dumps(dict(person.variables)) for person in people],
        "org_id": into.org_id,
        "sequence_id": into.sequence_id,
        "version_id": into.version_id,
        "campaign_id": into.campaign_id,
        "key_id": into.key_id,
        "re_entry": into.re_entry.value,
        "now": at,
        "start_due_at": after_grace(),
        **limited,
    }
    rows = await session.scalars(text(INSERT.format(allowed=allowed)), parameters)
    return {given[id].key: Enrolled(given[id].contact_id, EnrollResult.ENROLLED, id) for id in rows}


async def _by_cause(session: AsyncSession, people: Iterable[Person]) -> Results:
    """Returns the people whom their cause has enrolled before."""
    caused = [(person, person.cause) for person in people if person.cause is not None]
    if not caused:
        return {}
    causes = {
        "cause_ids": [cause.id for _, cause in caused],
        "cause_numbers": [cause.number for _, cause in caused],
        "contact_ids": [person.contact_id for person, _ in caused],
    }
    found = [(caused[row.place - 1][0], row.id) for row in await session.execute(text(BY_CAUSE), causes)]
    return {person.key: Enrolled(person.contact_id, EnrollResult.ENROLLED, id) for person, id in found}


async def _refusals(session: AsyncSession, into: Target, people: Sequence[Person]) -> Results:
    """Returns why people were not enrolled. Those in whose way nothing stands any more are left out."""
    known = await _known(session, into, {person.contact_id for person in people})
    results = await _by_cause(session, people)  # another transaction has just enrolled them
    for person in people:
        refused = _refusal(into, person.contact_id, known.get(person.contact_id))
        if refused is not None:
            results.setdefault(person.key, refused)
    return results


async def _known(session: AsyncSession, into: Target, contact_ids: Collection[UUID]) -> dict[UUID, _Known]:
    if not contact_ids:
        return {}
    since = into.limit.since(now()) if into.limit else None
    where = {"contact_ids": list(contact_ids), "sequence_id": into.sequence_id, "org_id": into.org_id, "since": since}
    return {row.id: _Known(row.active, row.last, row.lately) for row in await session.execute(text(KNOWN), where)}


def _refusal(into: Target, contact_id: UUID, known: _Known | None) -> Enrolled | None:
    if known is None:
        return Enrolled(contact_id, EnrollResult.UNKNOWN_CONTACT, None)
    if into.re_entry != ReEntry.ALWAYS and known.active:
        return Enrolled(contact_id, EnrollResult.ALREADY_ENROLLED, known.active)
    if into.re_entry == ReEntry.NEVER and known.last:
        return Enrolled(contact_id, EnrollResult.ENTERED_BEFORE, known.last)
    if into.limit is not None and known.lately >= into.limit.times:
        return Enrolled(contact_id, EnrollResult.TOO_OFTEN, known.last)
    return None


def new_enrollments(results: Sequence[Enrolled]) -> list[UUID]:
    """Returns the enrollments that these results made."""
    return [each.enrollment_id for each in results if each.result == EnrollResult.ENROLLED and each.enrollment_id]

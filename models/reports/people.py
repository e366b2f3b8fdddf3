"""The people of a campaign or a sequence: who clicked, who did not, who clicked a link, and what became of their messages.

A page reads a bounded number of rows, however many people there are. Where two conditions meet, such as a state and no click, one
index finds candidates in their order and the other condition is asked of each. After so many candidates the page ends, even if it
is not full.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.base import made_at
from models.clicks.click import Scope
from models.clicks.verdict import Verdict
from models.messages.message import MessageState
from models.paging import PageRequest, read_in_order
from models.reports.known_ids import require_link_of
from models.sequences.enrollment import EnrollmentState

CANDIDATES = 1000
"""The least number of candidates of a page, of which a page takes those who fit."""


@dataclass(frozen=True)
class PeopleFilter:
    """`clicked` None lets everybody through. A click counts if it has the verdict and is on the link; with None, any of the
    scope's is. `states` are those of a campaign's messages, or of a sequence's enrollments; empty lets all through. `reason` and
    `report` are those of a campaign's messages."""

    clicked: bool | None = None
    link_id: UUID | None = None
    verdict: Verdict | None = Verdict.HUMAN
    states: Sequence[str] = ()
    reason: str | None = None
    report: str | None = None


class Person(NamedTuple):
    """`message_…` and `report` are about the newest message of the scope to the person, and None when there is none. `state` is
    the message's in a campaign, and that of the newest enrollment in a sequence.

    `clicks` are those whose rows are kept, and `first_click_at` is the time of the first one that was recorded, whether its row
    is kept or not.
    """

    contact_id: UUID
    state: str
    message_id: UUID | None
    message_state: str | None
    reason: str | None
    report: str | None
    enrollment_id: UUID | None
    step_key: str | None
    clicks: int
    first_click_at: datetime | None
    external_id: str | None
    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None


class _Source(NamedTuple):
    """Where the people of a scope stand: one row for each, of this table."""

    table: str
    owner: str
    states: Sequence[str]
    also: str


# Of the enrollments of one person, the newest one stands for the person.
NEWEST = """AND NOT EXISTS (
    SELECT FROM enrollment newer
    WHERE newer.contact_id = {row}.contact_id AND newer.sequence_id = :scope_id AND newer.id > {row}.id
)"""
SOURCES = {
    Scope.CAMPAIGN: _Source("message", "campaign_id", list(MessageState), ""),
    Scope.SEQUENCE: _Source("enrollment", "sequence_id", list(EnrollmentState), NEWEST),
}

CLICKED = """EXISTS (
    SELECT FROM click_first WHERE scope = :click_scope AND scope_id = :click_scope_id AND verdict = ANY(CAST(:verdicts AS text[]))
        AND click_first.contact_id = {row}.contact_id
)"""

OF_MESSAGE = "EXISTS (SELECT FROM message WHERE message.id = candidate.id AND message.{name} = :{name})"

# Each state has a page of its own, because it stands before the id in the index. It is a range of one and part of the order, so
# that only that index fits.
BY_STATE = """
SELECT found.id AS key, found.id, found.contact_id, found.state FROM unnest(CAST(:states AS text[])) AS wanted (state)
CROSS JOIN LATERAL (
    SELECT id, contact_id, state FROM {source.table}
    WHERE {source.owner} = :scope_id AND state BETWEEN wanted.state AND wanted.state {after}
    ORDER BY state DESC, id DESC LIMIT {candidates}
) AS found ORDER BY found.id DESC LIMIT {candidates}
"""
# Somebody with clicks of several verdicts is one person.
BY_CLICK = """
SELECT DISTINCT ON (contact_id) contact_id AS key, contact_id FROM unnest(CAST(:verdicts AS text[])) AS wanted (verdict)
CROSS JOIN LATERAL (
    SELECT contact_id FROM click_first
    WHERE scope = :click_scope AND scope_id = :click_scope_id AND verdict BETWEEN wanted.verdict AND wanted.verdict {after}
    ORDER BY verdict DESC, contact_id DESC LIMIT {candidates}
) AS found ORDER BY contact_id DESC LIMIT {candidates}
"""
# A campaign has one message for each person, and of enrollments the newest counts.
ROW_OF_CONTACT = """
SELECT candidate.key, row.id, row.contact_id, row.state FROM candidate CROSS JOIN LATERAL (
    SELECT id, contact_id, state FROM {source.table} WHERE contact_id = candidate.contact_id AND {source.owner} = :scope_id
    ORDER BY id DESC LIMIT 1
) AS row WHERE row.state = ANY(CAST(:states AS text[])) ORDER BY candidate.key DESC LIMIT {rows}
"""
ROW_ITSELF = """
SELECT candidate.* FROM candidate WHERE true {conditions} ORDER BY candidate.key DESC LIMIT {rows}
"""

PAGE = """
WITH candidate AS MATERIALIZED ({candidates}), page AS MATERIALIZED ({fitting})
SELECT page.key, page.contact_id, page.state, message.id AS message_id, message.state AS message_state, message.reason,
    message.report, {about}, coalesce(clicks.clicks, 0) AS clicks, first.click_id,
    contact.external_id, contact.first_name, contact.last_name, contact.email, contact.phone
FROM page JOIN contact ON contact.id = page.contact_id {join}
LEFT JOIN LATERAL (
    SELECT click_id FROM click_first
    WHERE scope = :click_scope AND scope_id = :click_scope_id AND verdict = ANY(CAST(:verdicts AS text[]))
        AND click_first.contact_id = page.contact_id
    ORDER BY click_id LIMIT 1
) AS first ON true
LEFT JOIN LATERAL (
    SELECT count(*) AS clicks FROM click
    WHERE first.click_id IS NOT NULL AND click.contact_id = page.contact_id AND click.{owner} = :scope_id
        AND click.verdict = ANY(CAST(:verdicts AS text[])) {link}
) AS clicks ON true
UNION ALL
SELECT last.key, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, looked_at, NULL, NULL, NULL, NULL, NULL, NULL
FROM (SELECT count(*) AS looked_at FROM candidate) AS counted
LEFT JOIN LATERAL (SELECT key FROM candidate ORDER BY key LIMIT 1) AS last ON true
"""
OF_CAMPAIGN = {
    "about": "NULL::uuid AS enrollment_id, NULL AS step_key",
    "join": "JOIN message ON message.id = page.id",
}
OF_SEQUENCE = {
    "about": "page.id AS enrollment_id, enrollment.step_key",
    "join": """JOIN enrollment ON enrollment.id = page.id
LEFT JOIN LATERAL (
    SELECT id, state, reason, report FROM message
    WHERE message.contact_id = page.contact_id AND message.sequence_id = :scope_id ORDER BY id DESC LIMIT 1
) AS message ON true""",
}


async def list_people(
    session: AsyncSession, org_id: UUID, scope: Scope, scope_id: UUID, wanted: PeopleFilter, page: PageRequest
) -> tuple[list[Person], UUID | None]:
    """Returns a page, and the key after which the next one begins, which is None on the last page: the newest people first, or,
    of those who clicked, the newest contacts first. Raises NotFound for a link that is not the scope's. The caller has made sure
    whose scope it is."""
    if wanted.link_id is not None:
        await require_link_of(session, org_id, scope, scope_id, wanted.link_id)
    source = SOURCES[scope]
    values = _values(scope, scope_id, wanted, source, page)
    await read_in_order(session)
    rows = (await session.execute(text(_statement(scope, source, wanted, page)), values)).all()
    people = sorted((row for row in rows if row.contact_id is not None), key=lambda row: row.key, reverse=True)
    (end,) = (row for row in rows if row.contact_id is None)
    if len(people) > page.limit:
        return [_person(row) for row in people[: page.limit]], people[page.limit - 1].key
    return [_person(row) for row in people], end.key if end.clicks == _candidates(page) else None


def _values(scope: Scope, scope_id: UUID, wanted: PeopleFilter, source: _Source, page: PageRequest) -> Mapping[str, Any]:
    of_link = wanted.link_id is not None
    values: dict[str, Any] = {
        "scope_id": scope_id,
        "click_scope": (Scope.LINK if of_link else scope).value,
        "click_scope_id": wanted.link_id or scope_id,
        "verdicts": [wanted.verdict.value] if wanted.verdict else [each.value for each in Verdict],
        "states": list(wanted.states) or list(source.states),
    }
    values |= {"link_id": wanted.link_id} if of_link else {}
    values |= _of_message(wanted)
    return values if page.after is None else {**values, "after": page.after}


def _statement(scope: Scope, source: _Source, wanted: PeopleFilter, page: PageRequest) -> str:
    parts: dict[str, Any] = {"source": source, "candidates": _candidates(page), "rows": page.limit + 1}
    if wanted.clicked and not set(wanted.states) - {MessageState.ACCEPTED} and not _of_message(wanted):
        after = "AND contact_id < :after" if page.after else ""
        candidates, fitting = BY_CLICK.format(after=after, **parts), ROW_OF_CONTACT.format(**parts)
    else:
        after = "AND id < :after" if page.after else ""
        clicked = "" if wanted.clicked is None else f"AND {'' if wanted.clicked else 'NOT '}{CLICKED}"
        of_message = " ".join(f"AND {OF_MESSAGE.format(name=name)}" for name in _of_message(wanted))
        conditions = f"{source.also} {clicked} {of_message}".format(row="candidate")
        candidates, fitting = BY_STATE.format(after=after, **parts), ROW_ITSELF.format(conditions=conditions, **parts)
    about = OF_CAMPAIGN if scope == Scope.CAMPAIGN else OF_SEQUENCE
    link = "" if wanted.link_id is None else "AND click.link_id = :link_id"
    return PAGE.format(candidates=candidates, fitting=fitting, owner=source.owner, link=link, **about)


def _of_message(wanted: PeopleFilter) -> dict[str, str]:
    given = {"reason": wanted.reason, "report": wanted.report}
    return {name: value for name, value in given.items() if value is not None}


def _candidates(page: PageRequest) -> int:
    return max(CANDIDATES, 2 * page.limit)


def _person(row: Any) -> Person:
    return Person(
        contact_id=row.contact_id,
        state=row.state,
        message_id=row.message_id,
        message_state=row.message_state,
        reason=row.reason,
        report=row.report,
        enrollment_id=row.enrollment_id,
        step_key=row.step_key,
        clicks=row.clicks,
        first_click_at=made_at(row.click_id) if row.click_id is not None else None,
        external_id=row.external_id,
        first_name=row.first_name,
        last_name=row.last_name,
        email=row.email,
        phone=row.phone,
    )

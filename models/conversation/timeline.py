"""Where the entries of a contact's conversation stand: their kinds, their order, and which of them a filter shows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.base import first_id
from models.channels.channel import Medium
from models.clicks.verdict import Verdict

Order = Literal["newest", "oldest"]


class EntryKind(StrEnum):
    MESSAGE = "message"
    CLICK = "click"
    STEP = "step"
    TRIGGER = "trigger"
    TRIGGER_REFUSAL = "trigger_refusal"
    CONSENT = "consent"
    SUPPRESSION = "suppression"
    INBOUND_MESSAGE = "inbound_message"


class TimelinePosition(NamedTuple):
    """Where an entry stands in the timeline, and where a page ended. It never changes."""

    at: datetime
    id: UUID


class Place(NamedTuple):
    """An entry with the bytes of its texts."""

    kind: EntryKind
    position: TimelinePosition
    size: int


@dataclass(frozen=True)
class ConversationFilter:
    """Each condition that is None lets everything through, and so does an empty `kinds`. `since` is the first moment that is
    included, `until` the first that is not. Of a campaign, a sequence or an enrollment, everything is shown that it led to: the
    messages of a campaign's triggers and follow-ups are the campaign's too. `verdict` leaves out clicks alone.

    An entry that can have no channel, such as a step, is left out when a channel or a medium is asked for.
    """

    kinds: Sequence[EntryKind] = ()
    since: datetime | None = None
    until: datetime | None = None
    campaign_id: UUID | None = None
    sequence_id: UUID | None = None
    enrollment_id: UUID | None = None
    channel_id: UUID | None = None
    medium: Medium | None = None
    verdict: Verdict | None = None


RESTRICTING = ("campaign_id", "sequence_id", "enrollment_id", "channel_id", "medium")
"""Filters that leave out a kind of entry which says nothing about them."""
OF_TRIGGER = "EXISTS (SELECT FROM trigger WHERE trigger.id = {key} AND trigger.{name} = :{name})"
OF_ENROLLMENT = "EXISTS (SELECT FROM enrollment WHERE enrollment.id = {key} AND enrollment.{name} = :{name})"
OF_MEDIUM = "EXISTS (SELECT FROM channel WHERE channel.id = {key} AND channel.medium = :medium)"
OF_FIRING = """EXISTS (SELECT FROM firing JOIN trigger ON trigger.id = firing.trigger_id
    WHERE firing.id = {key} AND {condition})"""


def _of_message(table: str) -> dict[str, str]:
    """Whether a message, which is called `table`, belongs to what is asked for. Every look is by a primary key."""
    enrollment, firing = f"{table}.enrollment_id", f"{table}.firing_id"
    of_firing = {
        name: OF_FIRING.format(key=firing, condition=f"{column} = :{name}")
        for name, column in (
            ("campaign_id", "trigger.campaign_id"),
            ("sequence_id", "trigger.sequence_id"),
            ("enrollment_id", "firing.enrollment_id"),
        )
    }
    follow_up = OF_ENROLLMENT.format(key=enrollment, name="campaign_id")
    return {
        "campaign_id": f"({table}.campaign_id = :campaign_id OR {follow_up} OR {of_firing['campaign_id']})",
        "sequence_id": f"({table}.sequence_id = :sequence_id OR {of_firing['sequence_id']})",
        "enrollment_id": f"({enrollment} = :enrollment_id OR {of_firing['enrollment_id']})",
        "channel_id": f"{table}.channel_id = :channel_id",
        "medium": OF_MEDIUM.format(key=f"{table}.channel_id"),
    }


def _by_message(key: str, *names: str) -> dict[str, str]:
    """The same of the message with this id."""
    about = _of_message("about")
    return {name: f"EXISTS (SELECT FROM message about WHERE about.id = {key} AND {about[name]})" for name in names or about}


OWNERS = ("campaign_id", "sequence_id", "enrollment_id")
PROOF = """(CASE WHEN pg_input_is_valid(consent.proof ->> 'message_id', 'uuid')
    THEN CAST(consent.proof ->> 'message_id' AS uuid) END)"""
COVERS_CHANNEL = """({table}.channel_id IS NULL OR {table}.channel_id = :channel_id)
    AND ({table}.medium IS NULL OR {table}.medium = (SELECT medium FROM channel WHERE id = :channel_id))"""
COVERS_MEDIUM = "({table}.medium IS NULL OR {table}.medium = :medium)"


@dataclass(frozen=True)
class Branch:
    """One kind of entry: the table and the column of its time, and how each filter is asked. A filter that is not named here
    leaves the whole kind out. `whose` finds the contact's rows by an index. `size` are the bytes of a row's texts, which
    PostgreSQL knows without reading them."""

    table: str
    at: str
    filters: Mapping[str, str] = field(default_factory=dict)
    whose: str = "contact_id = :contact_id"
    size: str = "0"


def _trigger_branch(table: str, at: str) -> Branch:
    key, by_message = f"{table}.trigger_id", _by_message(f"{table}.message_id", "enrollment_id", "channel_id", "medium")
    owners = {name: OF_TRIGGER.format(key=key, name=name) for name in ("campaign_id", "sequence_id")}
    return Branch(table, at, {**owners, **by_message})


BRANCHES: dict[EntryKind, Branch] = {
    EntryKind.MESSAGE: Branch(
        "message",
        "created_at",
        _of_message("message"),
        size="coalesce(octet_length(body), 0) + coalesce(octet_length(html), 0)",
    ),
    EntryKind.CLICK: Branch("click", "clicked_at", {**_by_message("click.message_id"), "verdict": "click.verdict = :verdict"}),
    EntryKind.STEP: Branch(
        "event",
        "at",
        {
            "campaign_id": OF_ENROLLMENT.format(key="event.enrollment_id", name="campaign_id"),
            "sequence_id": "event.sequence_id = :sequence_id",
            "enrollment_id": "event.enrollment_id = :enrollment_id",
        },
    ),
    EntryKind.TRIGGER: _trigger_branch("firing", "fired_at"),
    EntryKind.TRIGGER_REFUSAL: _trigger_branch("trigger_refusal", "at"),
    EntryKind.CONSENT: Branch(
        "consent",
        "given_at",
        {
            **_by_message(PROOF, *OWNERS),
            "channel_id": COVERS_CHANNEL.format(table="consent"),
            "medium": COVERS_MEDIUM.format(table="consent"),
        },
    ),
    EntryKind.SUPPRESSION: Branch(
        "suppression",
        "created_at",
        {
            **_by_message("suppression.message_id", *OWNERS),
            "channel_id": COVERS_CHANNEL.format(table="suppression"),
            "medium": COVERS_MEDIUM.format(table="suppression"),
        },
        "org_id = :org_id AND address_hash = ANY(CAST(:hashes AS bytea[]))",
    ),
    EntryKind.INBOUND_MESSAGE: Branch(
        "inbound_message",
        "received_at",
        {
            **_by_message("inbound_message.message_id", *OWNERS),
            "channel_id": "inbound_message.channel_id = :channel_id",
            "medium": OF_MEDIUM.format(key="inbound_message.channel_id"),
        },
        size="coalesce(octet_length(body), 0)",
    ),
}

# Each branch reads at most a page of one contact by its own index.
PAGE_OF_BRANCH = """(SELECT '{kind}' AS kind, {at} AS at, id, {size} AS size FROM {table}
    WHERE {conditions} ORDER BY {at} {way}, id {way} LIMIT :rows)"""

PAGE = "SELECT kind, at, id, size FROM ({branches}) AS entries ORDER BY at {way}, id {way} LIMIT :rows"


@dataclass(frozen=True)
class Whose:
    """The contact whose conversation is read. `hashes` are those under which its addresses are suppressed."""

    org_id: UUID
    contact_id: UUID
    hashes: Sequence[bytes] = ()


async def read_positions(
    session: AsyncSession, whose: Whose, order: Order, wanted: ConversationFilter, after: TimelinePosition | None, rows: int
) -> list[Place]:
    """Returns the first `rows` entries behind `after`, in one statement."""
    way, behind = ("DESC", "<") if order == "newest" else ("ASC", ">")
    given = {name: value for name, value in vars(wanted).items() if value is not None and name != "kinds"}
    pages = [
        PAGE_OF_BRANCH.format(
            kind=kind.value,
            at=branch.at,
            size=branch.size,
            table=branch.table,
            way=way,
            conditions=" AND ".join(_conditions(branch, given, behind if after else None)),
        )
        for kind, branch in BRANCHES.items()
        if (not wanted.kinds or kind in wanted.kinds) and all(name in branch.filters for name in RESTRICTING if name in given)
    ]
    if not pages:
        return []
    ids = {f"{name}_id": first_id(given[name]) for name in ("since", "until") if name in given}
    parameters: dict[str, Any] = {**given, **ids, **vars(whose), "rows": rows, **(after._asdict() if after else {})}
    statement = PAGE.format(branches=" UNION ALL ".join(pages), way=way)
    found = await session.execute(text(statement), parameters)
    return [Place(EntryKind(row.kind), TimelinePosition(row.at, row.id), row.size) for row in found]


def _conditions(branch: Branch, given: Mapping[str, Any], behind: str | None) -> Iterator[str]:
    """The partitions of clicks are found by their ids, which follow their times."""
    yield branch.whose
    for name, sign in (("since", ">="), ("until", "<")):
        if name in given:
            yield f"{branch.at} {sign} :{name}"
            if branch.table == "click":
                yield f"id {sign} :{name}_id"
    if behind is not None:
        yield f"({branch.at}, id) {behind} (:at, :id)"
    for name in given:
        if name in branch.filters:
            yield branch.filters[name]

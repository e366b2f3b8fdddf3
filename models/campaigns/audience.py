"""The recipients of a campaign: contacts with any of its tags, in any of its segments, or named one by one, without those whom a
tag or a segment excludes, if they existed when it was launched.

A campaign's tags and the definitions of its segments are fixed at the launch. Who has a tag or is in a segment is found when its
page is sent: whoever comes to fit or ceases to fit while the campaign is being sent is a recipient or not by what the page finds.
A contact that already has a message keeps it.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.base import now
from models.campaigns.campaign import Campaign
from models.contacts.contact import NOT_ERASED, Contact
from models.errors import Unavailable
from models.messages.message import UNFINISHED, Message
from models.segments.definition import AnyOf, Condition, read_definition
from models.segments.kinds.tags import TagsCondition
from models.segments.limits import TO_COUNT, TO_READ_A_PAGE, limited
from models.segments.people import Order, pages_of_ids
from models.segments.segment import segments_by_id
from models.segments.values import Values

# The next contacts are found for each tag, and for each alternative of a segment, by itself, so that a page costs the same in a
# large and in a small organization, for a tag that everybody has and for one that hardly anybody has.
WITH_TAGS = """
    SELECT tagged.id FROM unnest(CAST(:tags AS text[])) AS wanted (tag) CROSS JOIN LATERAL (
        SELECT contact.id FROM contact_tag JOIN contact ON contact.id = contact_tag.contact_id
        WHERE contact_tag.org_id = :org_id AND contact_tag.tag = wanted.tag AND contact_tag.contact_id > :after AND {may_get}
        ORDER BY contact_tag.contact_id LIMIT {limit}
    ) AS tagged
"""
NAMED = """
    SELECT contact.id FROM contact
    WHERE contact.id = ANY(CAST(:ids AS uuid[])) AND contact.org_id = :org_id AND contact.id > :after AND {may_get}
"""
NEXT = """
SELECT contact.* FROM contact WHERE contact.id = ANY(ARRAY(
    SELECT id FROM ({sources}) AS found ORDER BY id LIMIT {limit}
)) ORDER BY contact.id
"""
COUNT = """
SELECT count(*) FROM (
    SELECT contact_id AS id FROM contact_tag WHERE org_id = :org_id AND tag = ANY(CAST(:tags AS text[]))
    UNION
    SELECT unnest(CAST(:ids AS uuid[]))
) AS named JOIN contact USING (id) WHERE contact.org_id = :org_id AND {may_get}
"""
# With segments, all contacts are asked once whether they fit in any way. To list those who fit each way, and take those who are
# on two lists once, takes half as long again.
COUNT_WITH_SEGMENTS = """
SELECT count(*) FROM contact
WHERE contact.org_id = :org_id AND {may_get} AND ({condition} OR contact.id = ANY(CAST(:ids AS uuid[])))
"""
EXISTED = f"contact.created_at <= CAST(:at AS timestamptz) AND {NOT_ERASED}"
BEFORE_ALL = UUID(int=0)


async def definitions_now(session: AsyncSession, org_id: UUID, audience: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the definitions of the audience's segments by id, without those of segments that are gone."""
    ids = [UUID(each) for each in (*audience.get("segment_ids", ()), *audience.get("exclude_segment_ids", ()))]
    return {str(id): segment.definition for id, segment in (await segments_by_id(session, org_id, ids)).items()}


async def count_recipients(session: AsyncSession, campaign: Campaign) -> int:
    return await _count(session, campaign, ends=False)


async def count_recipients_within(session: AsyncSession, campaign: Campaign) -> int | None:
    """Returns None when they are too many to be counted within the time that a segment may take."""
    try:
        async with session.begin_nested():
            return await _count(session, campaign, ends=True)
    except Unavailable:
        return None


async def _count(session: AsyncSession, campaign: Campaign, *, ends: bool) -> int:
    values, segments = await _values(session, campaign)
    may_get = _may_get(campaign, segments, values)
    statement = COUNT.format(may_get=may_get)
    if wanted := _definitions(campaign, "segment_ids", segments):
        condition = _any([*wanted, *_with_tags(campaign, "tags")]).sql(values)
        statement = COUNT_WITH_SEGMENTS.format(may_get=may_get, condition=condition)
    async with limited(session, TO_COUNT, ends=ends):
        return await session.scalar(text(statement), values.parameters) or 0


async def next_recipients(session: AsyncSession, campaign: Campaign, after: UUID | None, limit: int) -> Sequence[Contact]:
    """Returns the next recipients in the order of their ids, which never changes, so a page can be asked for again."""
    values, segments = await _values(session, campaign)
    may_get = _may_get(campaign, segments, values)
    sources = [WITH_TAGS.format(may_get=may_get, limit=limit), NAMED.format(may_get=may_get)]
    for definition in _definitions(campaign, "segment_ids", segments):
        sources += pages_of_ids(definition, values, Order(limit, after), may_get)
    statement = NEXT.format(sources=" UNION ".join(sources), limit=limit)
    async with limited(session, TO_READ_A_PAGE, ends=False):
        found = select(Contact).from_statement(text(statement))
        return (await session.scalars(found, {**values.parameters, "after": after or BEFORE_ALL})).all()


async def _values(session: AsyncSession, campaign: Campaign) -> tuple[Values, Mapping[str, Any]]:
    """Returns the parameters that every statement has, and the definitions of the segments by id."""
    values = Values(campaign.org_id, campaign.launched_at or now())
    values.parameters |= {"tags": campaign.audience.get("tags", []), "ids": campaign.audience.get("contact_ids", [])}
    if campaign.segments is not None:
        return values, campaign.segments
    return values, await definitions_now(session, campaign.org_id, campaign.audience)


def _definitions(campaign: Campaign, which: str, segments: Mapping[str, Any]) -> list[Condition]:
    return [read_definition(segments[each]) for each in campaign.audience.get(which, ()) if each in segments]


def _may_get(campaign: Campaign, segments: Mapping[str, Any], values: Values) -> str:
    """The condition that somebody existed at the launch, was not erased since and is not excluded."""
    excluded = [*_definitions(campaign, "exclude_segment_ids", segments), *_with_tags(campaign, "exclude_tags")]
    return f"{EXISTED} AND NOT ({_any(excluded).sql(values)})" if excluded else EXISTED


def _with_tags(campaign: Campaign, which: str) -> list[Condition]:
    tags = campaign.audience.get(which)
    return [TagsCondition(kind="tags", tags=tags)] if tags else []


def _any(definitions: Sequence[Condition]) -> AnyOf:
    return AnyOf(any=tuple(definitions))


async def unfinished_recipients(
    session: AsyncSession, campaign_id: UUID, after: UUID | None, until: UUID | None = None, limit: int | None = None
) -> Sequence[Contact]:
    """Returns contacts with a message of the campaign that was refused for now or is being sent, in the order of ids, `until`
    included."""
    statement = (
        select(Contact)
        .join(Message, col(Message.contact_id) == col(Contact.id))
        .where(col(Message.campaign_id) == campaign_id, text(UNFINISHED))
    )
    if after is not None:
        statement = statement.where(col(Message.contact_id) > after)
    if until is not None:
        statement = statement.where(col(Message.contact_id) <= until)
    return (await session.scalars(statement.order_by(col(Message.contact_id)).limit(limit))).all()

"""Who a campaign goes to: contacts with any of its tags, and those named one by one, that existed when it was launched.

Its tags are fixed at the launch, a contact's are read when its page is sent: who gets or loses a tag while the campaign is being
sent is in it or not by what the page finds. Whoever has a message by then keeps it.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.base import now
from models.campaign import Campaign
from models.contact import Contact
from models.message import UNSETTLED, Message


def is_recipient(campaign: Campaign) -> ColumnElement[bool]:
    ids = [UUID(each) for each in campaign.audience.get("contact_ids", [])]
    tags: list[str] = campaign.audience.get("tags", [])
    return and_(
        col(Contact.org_id) == campaign.org_id,
        col(Contact.created_at) <= (campaign.launched_at or now()),
        or_(col(Contact.tags).op("&&", is_comparison=True)(tags), col(Contact.id).in_(ids)),
    )


async def count_recipients(session: AsyncSession, campaign: Campaign) -> int:
    return await session.scalar(select(func.count()).select_from(Contact).where(is_recipient(campaign))) or 0


async def next_recipients(session: AsyncSession, campaign: Campaign, after: UUID | None, limit: int) -> Sequence[Contact]:
    """In the order of their ids, which never changes: a page can be asked for again."""
    statement = select(Contact).where(is_recipient(campaign))
    if after is not None:
        statement = statement.where(col(Contact.id) > after)
    return (await session.scalars(statement.order_by(col(Contact.id)).limit(limit))).all()


async def unsettled_recipients(
    session: AsyncSession, campaign_id: UUID, after: UUID | None, until: UUID | None = None, limit: int | None = None
) -> Sequence[Contact]:
    """Who has a message of the campaign that was refused for now or is being sent; in the order of ids, `until` included."""
    statement = (
        select(Contact)
        .join(Message, col(Message.contact_id) == col(Contact.id))
        .where(col(Message.campaign_id) == campaign_id, text(UNSETTLED))
    )
    if after is not None:
        statement = statement.where(col(Message.contact_id) > after)
    if until is not None:
        statement = statement.where(col(Message.contact_id) <= until)
    return (await session.scalars(statement.order_by(col(Message.contact_id)).limit(limit))).all()

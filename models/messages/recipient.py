"""Who got a message, by the two numbers that a token has."""

from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


class Recipient(NamedTuple):
    """A message and its contact. `erased` says that the contact was erased since."""

    message_id: UUID
    org_id: UUID
    contact_id: UUID
    channel_id: UUID
    erased: bool


FIND = text("""
SELECT message.id, message.org_id, message.contact_id, message.channel_id, contact.erased_at IS NOT NULL
  FROM message JOIN contact ON contact.id = message.contact_id
 WHERE message.content_id = :content_id AND message.recipient_number = :recipient_number
""")


async def find_recipient(session: AsyncSession, content_id: int, recipient_number: int) -> Recipient | None:
    row = (await session.execute(FIND, {"content_id": content_id, "recipient_number": recipient_number})).one_or_none()
    return Recipient(*row) if row else None


ORGANIZATIONS = text("SELECT id, org_id FROM content WHERE id = ANY(CAST(:ids AS bigint[]))")


async def organizations_of(session: AsyncSession, content_ids: Collection[int]) -> dict[int, UUID]:
    """Returns the organization of each content. Contents that do not exist are left out."""
    return {row[0]: row[1] for row in await session.execute(ORGANIZATIONS, {"ids": list(content_ids)})}

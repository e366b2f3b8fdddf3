"""Who got a message, by the two numbers that a token has."""

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

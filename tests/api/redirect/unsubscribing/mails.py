"""E-mails that were sent to people, and the addresses at which these unsubscribe."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from models.channels.channel import channels_by_name
from models.contacts.contact import Contact
from models.database import Database
from models.messages.content import Content
from models.messages.message import Message, MessageState
from tracking.tokens.token import TokenCodec
from tracking.tokens.unsubscribe import UNSUBSCRIBE_POSITION, unsubscribe_address


@dataclass(frozen=True)
class Mails:
    """One text and its recipients: the number of each is its place in `people`."""

    org_id: UUID
    content_id: int
    people: list[UUID]
    channel_id: UUID

    def path(self, codec: TokenCodec, person: int = 0) -> str:
        return unsubscribe_address("", codec.encode(self.content_id, person, UNSUBSCRIBE_POSITION))


async def send_mails(
    database: Database, org_id: UUID, people: int = 1, channel: str = "simulator-email", **contact: Any
) -> Mails:
    async with database.transaction() as session:
        row = (await channels_by_name(session, org_id))[channel]
        content = Content(org_id=org_id, channel_id=row.id, body="text")
        addresses = [{"email": f"p{n}@example.com", "phone": f"+4915100000{n:03}", **contact} for n in range(people)]
        contacts = [Contact(org_id=org_id, **each) for each in addresses]
        session.add_all([content, *contacts])
        await session.flush()
        assert content.id is not None
        fields: dict[str, Any] = {
            "org_id": org_id,
            "channel_id": row.id,
            "content_id": content.id,
            "state": MessageState.ACCEPTED,
        }
        session.add_all(Message(**fields, contact_id=each.id, recipient_number=n) for n, each in enumerate(contacts))
    return Mails(org_id, content.id, [each.id for each in contacts], row.id)

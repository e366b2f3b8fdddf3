"""Which person a mail belongs to that comes from a mailbox which several people share, as an organization may allow."""

from sqlalchemy import text

from models.base import new_id
from models.channels.channel import Channel, channels_by_name
from models.contacts.contact import Contact
from models.database import Database
from models.messages.message import MessageState
from services.inbound.receive import Inbound, receive
from tests.clicks import rows
from tests.rows import Rows

FAMILY = "family@example.com"


async def mail_channel(made: Rows) -> Channel:
    async with made.database.transaction() as session:
        return (await channels_by_name(session, made.org_id))["simulator-email"]


async def family(made: Rows, count: int = 3) -> list[Contact]:
    ids = [new_id() for _ in range(count)]
    return [await made.contact(id=each, external_id=str(each), email=FAMILY, mailbox_of=each) for each in ids]


async def test_a_reply_belongs_to_whoever_we_wrote_to_last(database: Database, made: Rows) -> None:
    """A message that was not sent yet cannot have been answered."""
    channel, people = await mail_channel(made), await family(made)
    content_id = (await made.campaign()).content_id
    sent = [await made.message(content_id, contact) for contact in (people[1], people[0])]
    waiting = await made.message(content_id, people[2], MessageState.PLANNED)
    by_mail = [{"id": each.id, "channel": channel.id} for each in (*sent, waiting)]
    async with database.transaction() as session:
        await session.execute(text("UPDATE message SET channel_id = :channel WHERE id = :id"), by_mail)
    await receive(database, channel, Inbound("Family <Family@Example.com>", None, "Thank you", "m1"), None)
    assert await rows(database, "SELECT contact_id, from_address FROM inbound_message") == [(people[0].id, FAMILY)]


async def test_a_refusal_is_that_of_everybody_who_reads_there(database: Database, made: Rows) -> None:
    channel, people = await mail_channel(made), await family(made)
    await receive(database, channel, Inbound(FAMILY, None, "Unsubscribe", "m1"), None)
    found = await rows(database, "SELECT contact_id, state FROM consent ORDER BY contact_id")
    assert found == [(each, "opted_out") for each in sorted(person.id for person in people)]

"""The simulator: phones and mailboxes that are rows of `simulator_inbox`, for trying things out and for tests.

A person or a script reads the message there, with its real tracked links, and clicks.
"""

from activities.channels.base import Outgoing, Receipt
from models.channel import SimulatorInbox, simulator_received
from models.database import Database


class Simulator:
    """Delivers in its own transaction, as a provider would: what it took stays taken, whatever happens to the caller."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def send(self, message: Outgoing) -> Receipt:
        received = SimulatorInbox(
            channel_id=message.channel_id,
            message_id=message.message_id,
            to_address=message.to_address,
            subject=message.subject,
            body=message.body,
            html=message.html,
        )
        async with self._database.transaction() as session:
            session.add(received)
        return Receipt(provider_id=str(received.id))

    async def find(self, message: Outgoing) -> Receipt | None:
        async with self._database.transaction() as session:
            received = await simulator_received(session, message.message_id)
        return Receipt(provider_id=str(received.id)) if received else None

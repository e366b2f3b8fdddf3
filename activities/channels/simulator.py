"""The simulator: phones and mailboxes that are rows of `simulator_inbox`, for trying things out and for tests.

A person or a script reads the message there, with its real tracked links, and clicks.
"""

from dataclasses import asdict

from activities.channels.base import Outgoing, Receipt
from models.database import Database
from models.organizations.channel import simulator_receive, simulator_received


class Simulator:
    """Delivers in its own transaction, as a provider would: a message that it took stays taken, whatever happens to the
    caller."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def send(self, message: Outgoing) -> Receipt:
        async with self._database.statement() as session:
            received_id = await simulator_receive(session, asdict(message))
        return Receipt(provider_id=str(received_id))

    async def find(self, message: Outgoing) -> Receipt | None:
        async with self._database.statement() as session:
            received = await simulator_received(session, message.message_id)
        return Receipt(provider_id=str(received.id)) if received else None

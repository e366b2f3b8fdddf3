"""The simulator: phones and mailboxes that are rows of `simulator_inbox`, for trying things out and for tests.

A person or a script reads the message there, with its real tracked links, and clicks.
"""

from collections.abc import Sequence
from uuid import UUID

from models.base import new_id
from models.channels.channel import ChannelKind, Medium
from models.channels.simulator_inbox import simulator_receive, simulator_received
from models.database import Database
from services.channels.base import ChannelType, Check, Config, Configured, Outgoing, Outside, Receipt, TestStep


class SimulatorConfig(Config):
    """A simulator has nothing to configure."""


class Simulator:
    """Delivers in its own transaction, as a provider would: a message that it took stays taken, whatever happens to the
    caller."""

    def __init__(self, database: Database, channel_id: UUID) -> None:
        self._database = database
        self._channel_id = channel_id

    async def send(self, message: Outgoing) -> Receipt:
        row = {
            "channel_id": message.channel_id,
            "message_id": message.message_id,
            "to_address": message.to_address,
            "subject": message.subject,
            "body": message.body,
            "html": message.html,
        }
        async with self._database.statement() as session:
            received_id = await simulator_receive(session, row)
        return Receipt(provider_id=str(received_id))

    async def find(self, message: Outgoing) -> Receipt | None:
        async with self._database.statement() as session:
            received = await simulator_received(session, message.message_id)
        return Receipt(provider_id=str(received.id)) if received else None

    async def test(self, to_address: str) -> Sequence[TestStep]:
        await self.send(Outgoing(new_id(), self._channel_id, to_address, None, "This is a test of your channel."))
        return [TestStep("send", ok=True, detail="The simulator has it in its inbox.")]

    async def check(self) -> Sequence[Check]:
        return []

    async def close(self) -> None: ...


def _open(configured: Configured, outside: Outside) -> Simulator:
    return Simulator(outside.database, configured.id)


TYPE = ChannelType(ChannelKind.SIMULATOR, frozenset(Medium), SimulatorConfig, _open)

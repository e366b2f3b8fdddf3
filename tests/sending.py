"""Sending under test: real rows and the real activities, with a provider whose failures a test chooses."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlmodel import SQLModel, col
from temporalio.testing import ActivityEnvironment

from activities.channels.base import CannotAsk, Channel, Outgoing, Receipt
from activities.channels.registry import Channels, build_channels
from activities.compose import Composer
from activities.delivery import Delivery
from activities.send_page import SendPage
from activities.send_step import SendStep
from models import progress, wire
from models.base import now
from models.campaign import Campaign, CampaignState
from models.channel import ChannelKind, SimulatorInbox, channels_by_name
from models.contact import Contact
from models.content import Content, NewLink, PersonalLink, add_content
from models.database import Database
from models.enrollment import Enrollment
from models.message import Message
from models.organization import Organization
from models.sequence import Sequence as SequenceTable
from models.sequence import SequenceVersion
from tracking.links import compile_text
from tracking.token import TokenCodec

CODEC = TokenCodec([b"k" * 32])
DOMAIN = "https://l.test"
BODY = "Hello {{ contact.first_name }}: https://example.com/offer"


class Provider:
    """A channel. `before` is raised instead of taking a message, `after` when it has been taken, each for its addresses.

    `hangs`: it takes nothing and never answers; `called` is set when it has been asked to send. `askable`: it can be asked
    what became of a message.
    """

    def __init__(self) -> None:
        self.taken: list[Outgoing] = []
        self.asked: list[UUID] = []
        self.before: dict[str, Exception] = {}
        self.after: dict[str, Exception] = {}
        self.askable = True
        self.hangs = False
        self.called = asyncio.Event()

    async def send(self, message: Outgoing) -> Receipt:
        self.called.set()
        if self.hangs:
            await asyncio.Event().wait()
        if error := self.before.get(message.to_address):
            raise error
        self.taken.append(message)
        if error := self.after.get(message.to_address):
            raise error
        return Receipt(f"provider-{message.message_id}")

    async def find(self, message: Outgoing) -> Receipt | None:
        self.asked.append(message.message_id)
        if not self.askable:
            raise CannotAsk
        found = any(each.message_id == message.message_id for each in self.taken)
        return Receipt(f"provider-{message.message_id}") if found else None

    def times(self) -> Counter[str]:
        """How many messages each address has got."""
        return Counter(each.to_address for each in self.taken)


class Sending:
    """Everything that sending needs of one organization; every method is one transaction."""

    def __init__(self, database: Database, organization: Organization, channel: Channel | None = None) -> None:
        channels: Channels = {ChannelKind.SIMULATOR: channel} if channel else build_channels(database)
        composer, delivery = Composer(CODEC, DOMAIN), Delivery(channels)
        self.database = database
        self.organization = organization
        self.org_id = organization.id
        self.steps = SendStep(database, composer, delivery)
        self.pages = SendPage(database, composer, delivery)
        self.heartbeats = 0
        self._phones = iter(range(100_000, 200_000))

    def by(self, channel: Channel) -> "Sending":
        """The same, sent by another channel."""
        return Sending(self.database, self.organization, channel)

    async def contacts(self, count: int = 1, **fields: Any) -> list[Contact]:
        defaults = {"first_name": "Ada", "tags": ["all"]}
        contacts = [
            Contact(org_id=self.org_id, **{**defaults, "phone": f"+49151{next(self._phones)}", **fields}) for _ in range(count)
        ]
        await self.save(*contacts)
        return contacts

    async def enrollment(
        self, contact: Contact, body: str = BODY, tracking: bool | None = None, links: dict[str, str] | None = None
    ) -> Enrollment:
        """In a sequence with one send step, `hello`, which has been published."""
        sequence = SequenceTable(org_id=self.org_id, name="Sequence", draft={}, link_tracking=tracking, version=1)
        await self.save(sequence)
        version = SequenceVersion(org_id=self.org_id, sequence_id=sequence.id, version=1, definition={})
        await self.save(version)
        await self._content(body, links, sequence_id=sequence.id, sequence_version_id=version.id, step_key="hello")
        enrollment = Enrollment(
            org_id=self.org_id, sequence_id=sequence.id, sequence_version_id=version.id, contact_id=contact.id
        )
        await self.save(enrollment)
        return enrollment

    async def campaign(
        self, body: str = BODY, audience: dict[str, Any] | None = None, medium: str = "sms", tracking: bool | None = None
    ) -> Campaign:
        """Launched now, to everybody who is tagged `all`."""
        async with self.database.transaction() as session:
            channel = (await channels_by_name(session, self.org_id))[f"simulator-{medium}"]
        campaign = Campaign(
            org_id=self.org_id,
            name="Campaign",
            state=CampaignState.SENDING,
            channel_id=channel.id,
            message={"body": body},
            audience=audience or {"tags": ["all"], "contact_ids": []},
            link_tracking=tracking,
            launched_at=now(),
            tracking_until=now() + timedelta(days=7),
        )
        campaign.content_id = await self._content(body, None, medium=medium, campaign_id=campaign.id)
        await self.save(campaign)
        return campaign

    async def _content(self, body: str, links: dict[str, str] | None, medium: str = "sms", **place: Any) -> int:
        compiled = compile_text(body, links)
        async with self.database.transaction() as session:
            channel = (await channels_by_name(session, self.org_id))[f"simulator-{medium}"]
            content = Content(org_id=self.org_id, channel_id=channel.id, body=compiled.template, **place)
            return await add_content(session, content, [NewLink(**link._asdict()) for link in compiled.links])

    async def save(self, *rows: SQLModel) -> None:
        async with self.database.transaction() as session:
            session.add_all(rows)

    async def change(self, row: SQLModel, **values: Any) -> None:
        """In the database and in `row`."""
        for name, value in values.items():
            setattr(row, name, value)
        async with self.database.transaction() as session:
            await session.merge(row)

    async def make_claims_old(self) -> None:
        """As if the messages that are being sent had been claimed an hour ago."""
        async with self.database.transaction() as session:
            old = now() - timedelta(hours=1)
            await session.execute(update(Message).where(col(Message.state) == "sending").values(sending_at=old))

    async def make_messages_old(self) -> None:
        """As if the first attempts at all messages had been two days ago."""
        async with self.database.transaction() as session:
            await session.execute(update(Message).values(created_at=now() - timedelta(days=2)))

    async def send_step(self, enrollment: Enrollment, visit: int = 1) -> wire.SendStepResult:
        request = wire.SendStepRequest(org_id=self.org_id, enrollment_id=enrollment.id, visit=visit, step_key="hello")
        return await ActivityEnvironment().run(self.steps.send_step, request)

    async def send_page(
        self, campaign: Campaign, cursor: UUID | None = None, size: int = 500, attempt: int = 1
    ) -> wire.CampaignPageResult:
        page = wire.CampaignPage(org_id=self.org_id, campaign_id=campaign.id, cursor=cursor, size=size)
        environment = ActivityEnvironment()
        environment.info = replace(environment.info, attempt=attempt)
        environment.on_heartbeat = self._beat
        return await environment.run(self.pages.send_page, page)

    async def end(self, enrollment: Enrollment, state: wire.FinalState, outcome: str) -> None:
        ended = wire.EnrollmentEnded(
            org_id=self.org_id, enrollment_id=enrollment.id, visit=enrollment.visit + 1, state=state, outcome=outcome
        )
        async with self.database.transaction() as session:
            await progress.end_enrollment(session, ended)

    async def send_refused(self, campaign: Campaign) -> wire.CampaignPageResult:
        start = wire.CampaignInput(org_id=self.org_id, campaign_id=campaign.id)
        return await ActivityEnvironment().run(self.pages.send_refused, start)

    def _beat(self, *_: Any) -> None:
        self.heartbeats += 1

    async def messages(self) -> Sequence[Message]:
        """All, oldest first."""
        return await self._all(Message)

    async def message(self) -> Message:
        """The only one."""
        (message,) = await self.messages()
        return message

    async def inbox(self) -> Sequence[SimulatorInbox]:
        return await self._all(SimulatorInbox)

    async def personal_links(self) -> Sequence[PersonalLink]:
        async with self.database.transaction() as session:
            return (await session.scalars(select(PersonalLink))).all()

    async def _all(self, table: Any) -> Sequence[Any]:
        async with self.database.transaction() as session:
            return (await session.scalars(select(table).order_by(table.id))).all()

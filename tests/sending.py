"""Sending under test: real rows and the real activities, with a provider whose failures a test chooses."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select, update
from sqlmodel import SQLModel, col
from temporalio.testing import ActivityEnvironment

from activities.delivery import Delivery
from activities.left_behind import LeftBehind
from activities.send_page import SendPage
from activities.steps.registry import build_effects
from activities.take_turn import TakeTurn
from models.base import now
from models.campaigns.campaign import Campaign, CampaignState
from models.channels.channel import ChannelKind, channels_by_name
from models.channels.simulator_inbox import SimulatorInbox
from models.contacts.contact import Contact
from models.database import Database
from models.messages.content import Content, NewLink, PersonalLink, add_content
from models.messages.message import Message
from models.organizations.limits import Limits
from models.organizations.organization import Organization
from models.sequences import progress
from models.sequences.enrollment import Enrollment
from models.sequences.sequence import Sequence as SequenceTable
from models.sequences.sequence import SequenceVersion
from models.wire.campaigns import CampaignPage, CampaignPageResult
from models.wire.enrollments import FinalState, Rest, Turn, TurnRequest
from models.wire.names import send_queue
from services.channels.base import CannotAsk, Channel, Check, Outgoing, Receipt, TestStep
from services.channels.consequences import Consequences
from services.channels.failure_watch import FailureWatch, Threshold
from services.channels.open_channels import Channels
from services.channels.simulator import Simulator
from services.composing.compose import Composer
from services.composing.recipient_numbers import RecipientNumbers
from services.composing.threads import Composing
from services.pacing.pacing import Pacing
from services.published import PublishedVersions
from tracking.links.links import compile_text
from tracking.tokens.token import TokenCodec

CODEC = TokenCodec([b"k" * 32])
DOMAIN = "https://l.test"
BODY = "Hello {{ contact.first_name }}: https://example.com/offer"

HELLO = {"kind": "send", "key": "hello", "channel": "simulator-sms"}
PAUSE = {"kind": "wait", "key": "pause", "duration": "P1D", "next": "hello"}


class StepSent(NamedTuple):
    """State and reason of the message, if there is one, and where the enrollment rests now."""

    state: str | None
    reason: str | None
    rest: Rest


def turn_request(enrollment: Enrollment, step_run: int = 1) -> TurnRequest:
    """To take the step `hello` in this passage."""
    return TurnRequest(
        org_id=enrollment.org_id,
        enrollment_id=enrollment.id,
        sequence_version_id=enrollment.sequence_version_id,
        step_run=step_run,
        step_key="hello",
        queue=send_queue(ChannelKind.SIMULATOR),
        previous_outcome=None if step_run == 1 else "waited",
    )


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

    async def test(self, to_address: str) -> list[TestStep]:
        return []

    async def check(self) -> list[Check]:
        return []

    async def close(self) -> None: ...

    def times(self) -> Counter[str]:
        """How many messages each address has got."""
        return Counter(each.to_address for each in self.taken)


class Always:
    """Channels that are all this one."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    async def get(self, channel_id: UUID) -> Channel:
        return self._channel


class Simulators:
    """Channels that are all simulators."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, channel_id: UUID) -> Channel:
        return Simulator(self._database, channel_id)


def deliver_by(channels: Channels, database: Database, threshold: Threshold | None = None) -> Delivery:
    return Delivery(channels, Consequences(database, FailureWatch(threshold or Threshold())))


class Sending:
    """Everything that sending needs of one organization; every method is one transaction."""

    def __init__(
        self, database: Database, organization: Organization, channel: Channel | None = None, limits: Limits | None = None
    ) -> None:
        channels: Channels = Always(channel) if channel else Simulators(database)
        composing, delivery = Composing(Composer(CODEC, DOMAIN), RecipientNumbers(database)), deliver_by(channels, database)
        pacing = Pacing(database)
        self.database = database
        self.organization = organization
        self.org_id = organization.id
        self.effects = build_effects(database, composing, pacing, delivery, limits)
        self.turns = TakeTurn(database, PublishedVersions(database), self.effects)
        self.pages = SendPage(database, composing, pacing, delivery, limits)
        self.left_behind = LeftBehind(database, delivery)
        self.heartbeats = 0
        self.environment = ActivityEnvironment()
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
        self,
        contact: Contact,
        body: str = BODY,
        tracking: bool | None = None,
        links: dict[str, str] | None = None,
        more: Sequence[dict[str, Any]] = (),
    ) -> Enrollment:
        """In a published sequence that sends `hello`, waits for a day and sends it again, and so on.

        `more`: changes of that first step, and steps between it and the wait.
        """
        hello = {**HELLO, "message": {"body": body}, **(more[0] if more else {})}
        definition = {"steps": [hello, *more[1:], PAUSE]}
        sequence = SequenceTable(org_id=self.org_id, name="Sequence", draft={}, link_tracking=tracking, version=1)
        await self.save(sequence)
        version = SequenceVersion(org_id=self.org_id, sequence_id=sequence.id, version=1, definition=definition)
        await self.save(version)
        await self._content(body, links, sequence_id=sequence.id, sequence_version_id=version.id, step_key="hello")
        for step in more[1:]:
            if step["kind"] == "send":
                of_step = {"sequence_id": sequence.id, "sequence_version_id": version.id, "step_key": step["key"]}
                await self._content(step["message"]["body"], links, **of_step)
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
        """As if all messages had been written two days ago."""
        async with self.database.transaction() as session:
            await session.execute(update(Message).values(created_at=now() - timedelta(days=2)))

    async def make_refusals_old(self, ago: timedelta = timedelta(days=1)) -> None:
        """As if the first refusals of all messages had been so long ago."""
        async with self.database.transaction() as session:
            refused = update(Message).where(col(Message.refused_at).is_not(None))
            await session.execute(refused.values(refused_at=now() - ago))

    async def turn(self, enrollment: Enrollment, step_run: int = 1, **changes: Any) -> Turn:
        """One that takes the step `hello` in this passage. Each is sent in a passage with an odd number, the next ones wait."""
        request = turn_request(enrollment, step_run).model_copy(update=changes)
        return await self.environment.run(self.turns.take_turn, request)

    async def send_step(self, enrollment: Enrollment, step_run: int = 1) -> StepSent:
        """What a turn made of the message of its passage."""
        turn = await self.turn(enrollment, step_run)
        messages = [each for each in await self.messages() if (each.enrollment_id, each.step_run) == (enrollment.id, step_run)]
        state, reason = (str(messages[0].state), messages[0].reason) if messages else (None, None)
        return StepSent(state, reason, turn.rest)

    async def send_page(
        self, campaign: Campaign, cursor: UUID | None = None, size: int = 500, *, insist: bool = False, again: bool = False
    ) -> CampaignPageResult:
        page = CampaignPage(org_id=self.org_id, campaign_id=campaign.id, cursor=cursor, size=size, insist=insist, again=again)
        environment = ActivityEnvironment()
        environment.on_heartbeat = self._beat
        return await environment.run(self.pages.send_page, page)

    async def end(self, enrollment: Enrollment, state: FinalState, outcome: str) -> None:
        async with self.database.transaction() as session:
            await progress.close_enrollment(session, enrollment.id, state, outcome)

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

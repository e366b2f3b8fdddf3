"""Rows for tests of what is read: written as the activities write them, without running any."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel, col

from models.base import now
from models.campaigns.campaign import Campaign, CampaignState
from models.channels.channel import channels_by_name
from models.clicks.inbox import InboxClick
from models.clicks.partitions import make_partition, month_of
from models.clicks.recording import DescribedClick, Metadata, keep_clicks
from models.contacts.contact import Contact
from models.database import Database
from models.messages.content import Content, ContentLink, NewLink, add_content, load_content
from models.messages.message import Message, MessageState
from models.sequences.enrollment import Enrollment, EnrollmentState
from models.sequences.event import Event, EventKind
from models.sequences.sequence import Sequence as SequenceTable
from models.sequences.sequence import SequenceState, SequenceVersion, current_version
from models.sequences.step_run import StepRun
from models.triggers.definition import TriggerDefinition
from models.triggers.firing import Firing
from models.triggers.trigger import Trigger, TriggerLink
from tests.ids import id_at

NOON = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)
OFFER = ("offer", "https://shop.example/offer")
PHONE = Metadata("DE", "Berlin", "phone", "Mobile Safari", "iOS")
DESKTOP = Metadata("FR", "Paris", "desktop", "Firefox", "Linux")
NOWHERE = Metadata(None, None, "other", None, None)

SEND = {"kind": "send", "key": "hello", "channel": "simulator-sms", "message": {"body": "x", "links": {}}}
WAIT = {"kind": "wait_for_click", "key": "wait", "link": "offer", "timeout": "PT60S", "on_click": "thanks", "on_timeout": "bye"}
THANKS = {"kind": "send", "key": "thanks", "channel": "simulator-sms", "message": {"body": "y", "links": {}}, "next": "bye"}
BYE = {"kind": "end", "key": "bye", "outcome": "done"}

Links = Sequence[tuple[str | None, str]]


class Rows:
    """Writes for one organization; every method is one transaction."""

    def __init__(self, database: Database, org_id: UUID) -> None:
        self.database = database
        self.org_id = org_id
        self._recipient_numbers = count()

    async def _add(self, row: SQLModel) -> None:
        async with self.database.transaction() as session:
            session.add(row)

    async def contact(self, **fields: Any) -> Contact:
        contact = Contact(org_id=self.org_id, **fields)
        await self._add(contact)
        return contact

    async def campaign(self, links: Links = (OFFER,), wakes: Sequence[int] = (), **fields: Any) -> Campaign:
        """Launched, unless `state` says draft."""
        async with self.database.transaction() as session:
            channel = (await channels_by_name(session, self.org_id))["simulator-sms"]
            defaults = {"name": "Spring", "state": CampaignState.TRACKING, "message": {"body": "x", "links": {}}, "audience": {}}
            campaign = Campaign(org_id=self.org_id, channel_id=channel.id, **{**defaults, **fields})
            if campaign.state != CampaignState.DRAFT:
                content = Content(org_id=self.org_id, channel_id=channel.id, campaign_id=campaign.id, body="x", wakes=list(wakes))
                campaign.content_id = await add_content(session, content, _new_links(links))
                campaign.launched_at = campaign.workflow_started_at = NOON
            session.add(campaign)
        return campaign

    async def sequence(
        self,
        steps: Sequence[dict[str, Any]] = (SEND, WAIT, THANKS, BYE),
        links: Links = (OFFER,),
        publish: bool = True,
        **fields: Any,
    ) -> SequenceTable:
        """`links` are those of its first send step."""
        definition = {"steps": list(steps), "triggers": [], "utm": None, "utm_overwrite": False}
        sequence = SequenceTable(org_id=self.org_id, draft=definition, **{"name": "Welcome", **fields})
        await self._add(sequence)
        return await self.publish(sequence, links) if publish else sequence

    async def publish(self, sequence: SequenceTable, links: Links = (OFFER,)) -> SequenceTable:
        """A new version of the draft."""
        async with self.database.transaction() as session:
            channel = (await channels_by_name(session, self.org_id))["simulator-sms"]
            row = await session.get_one(SequenceTable, sequence.id)
            row.version, row.state = (row.version or 0) + 1, SequenceState.PUBLISHED
            version = SequenceVersion(org_id=self.org_id, sequence_id=row.id, version=row.version, definition=row.draft)
            session.add(version)
            await session.flush()
            sends = [step for step in row.draft["steps"] if step["kind"] == "send"]
            for place, step in enumerate(sends):
                content = Content(org_id=self.org_id, channel_id=channel.id, sequence_id=row.id, body="x", step_key=step["key"])
                content.sequence_version_id = version.id
                await add_content(session, content, _new_links(links if place == 0 else ()))
        return row

    async def links(self, content_id: int | None) -> Sequence[ContentLink]:
        async with self.database.transaction() as session:
            return (await load_content(session, content_id or 0)).links

    async def message(
        self,
        content_id: int | None,
        contact: Contact,
        state: MessageState = MessageState.ACCEPTED,
        enrollment: Enrollment | None = None,
        **fields: Any,
    ) -> Message:
        async with self.database.transaction() as session:
            content = (await load_content(session, content_id or 0)).content
            assert content.channel_id is not None, "a shared link has no messages"
            own: dict[str, Any] = {"campaign_id": content.campaign_id, "sequence_id": content.sequence_id, "tracked": True}
            if enrollment is not None:
                own |= {"enrollment_id": enrollment.id, "step_run": 1, "step_key": content.step_key}
            message = Message(
                org_id=self.org_id,
                contact_id=contact.id,
                channel_id=content.channel_id,
                content_id=content.id or 0,
                recipient_number=next(self._recipient_numbers),
                state=state,
                **{**own, **fields},
            )
            session.add(message)
        return message

    async def click(
        self,
        message: Message,
        position: int = 0,
        at: datetime = NOON,
        verdict: str = "human",
        metadata: Metadata | None = PHONE,
        reason: str = "person",
        id: UUID | None = None,
    ) -> UUID:
        """Recorded as the recorder does it, counters and first clicks included."""
        click_id = id or id_at(at)
        link = (message.content_id, message.recipient_number, position)
        click = InboxClick(click_id, message.org_id, *link, at, verdict, reason, ip=None, user_agent=None)
        async with self.database.transaction() as session:
            await make_partition(session, month_of(click_id))
            await keep_clicks(session, [DescribedClick(click, metadata)])
        return click_id

    async def enrollment(
        self, sequence: SequenceTable, contact: Contact, state: EnrollmentState = EnrollmentState.RUNNING, **fields: Any
    ) -> Enrollment:
        async with self.database.transaction() as session:
            version = await current(session, sequence)
            enrollment = Enrollment(
                org_id=self.org_id,
                sequence_id=sequence.id,
                sequence_version_id=version,
                contact_id=contact.id,
                state=state,
                **{"workflow_started_at": now(), **fields},
            )
            session.add(enrollment)
        return enrollment

    async def step_run(
        self, enrollment: Enrollment, number: int, step_key: str, outcome: str | None = None, next_key: str | None = None
    ) -> None:
        """A passage of the enrollment through a step; with an outcome it is left."""
        left_at = None if outcome is None else NOON
        await self._add(
            StepRun(
                enrollment_id=enrollment.id,
                number=number,
                org_id=self.org_id,
                sequence_version_id=enrollment.sequence_version_id,
                step_key=step_key,
                kind="send",
                left_at=left_at,
                outcome=outcome,
                next_key=next_key,
            )
        )

    async def trigger(
        self,
        content_ids: Sequence[int | None],
        actions: Sequence[dict[str, Any]] = ({"kind": "tag", "tags": ["hot"]},),
        positions: Sequence[int] = (0,),
        **fields: Any,
    ) -> Trigger:
        """A published trigger on these links of these contents. `fields` are columns of its row."""
        columns: dict[str, Any] = {"key": "hot", "event": "clicked", **fields}
        definition = TriggerDefinition.model_validate(
            {
                "key": columns["key"],
                "when": columns["event"],
                "times": columns.get("times", 1),
                "within": columns.get("within"),
                "segment_id": columns.get("segment_id"),
                "actions": list(actions),
            }
        )
        trigger = Trigger(org_id=self.org_id, **columns, definition=definition.model_dump(mode="json"))
        async with self.database.transaction() as session:
            session.add(trigger)
            await session.flush()
            session.add_all(
                TriggerLink(content_id=content_id or 0, position=position, trigger_id=trigger.id)
                for content_id in content_ids
                for position in positions
            )
        return trigger

    async def triggered_message(self, trigger: Trigger, contact: Contact, position: int = 0, links: Links = (OFFER,)) -> Message:
        """What the action `send` has sent after the trigger fired for the contact, with a text of its own."""
        async with self.database.transaction() as session:
            channel = (await channels_by_name(session, self.org_id))["simulator-sms"]
            content = Content(
                org_id=self.org_id, channel_id=channel.id, body="x", trigger_id=trigger.id, action_position=position
            )
            content_id = await add_content(session, content, _new_links(links))
            fired = select(col(Firing.id)).where(col(Firing.trigger_id) == trigger.id, col(Firing.contact_id) == contact.id)
            firing_id = await session.scalar(fired.limit(1))
        return await self.message(content_id, contact, firing_id=firing_id, action_position=position)

    async def event(
        self,
        enrollment: Enrollment,
        kind: EventKind,
        /,
        step_run: int,
        step_key: str | None = None,
        at: datetime = NOON,
        **detail: Any,
    ) -> Event:
        event = Event(
            org_id=self.org_id,
            contact_id=enrollment.contact_id,
            enrollment_id=enrollment.id,
            sequence_id=enrollment.sequence_id,
            kind=kind,
            step_run=step_run,
            step_key=step_key,
            detail=detail,
            at=at,
        )
        await self._add(event)
        return event

    async def content_of_step(self, sequence: SequenceTable, step_key: str) -> int:
        """Of the current version."""
        async with self.database.transaction() as session:
            statement = select(col(Content.id)).where(
                col(Content.sequence_version_id) == await current(session, sequence), col(Content.step_key) == step_key
            )
            return (await session.scalar(statement)) or 0


async def current(session: AsyncSession, sequence: SequenceTable) -> UUID:
    version = await current_version(session, sequence)
    assert version, "publish the sequence first"
    return version.id


def _new_links(links: Links) -> list[NewLink]:
    return [NewLink(position=place, name=name, url=url, written=url, merge=False) for place, (name, url) in enumerate(links)]


def minutes(number: int) -> datetime:
    """So many minutes after noon."""
    return NOON + timedelta(minutes=number)

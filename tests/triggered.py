"""Builders for tests of the messages that triggers send: triggers and firings as rows, and the real activity."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import text
from temporalio.testing import ActivityEnvironment

from activities.actions.send import Send
from activities.send_triggered import SendTriggered
from models.base import now
from models.campaigns.campaign import Campaign
from models.channels.channel import channels_by_name
from models.contacts.contact import Contact
from models.messages.content import Content, NewLink, add_content
from models.organizations.limits import Limits
from models.triggers.definition import TriggerDefinition
from models.triggers.firing import Firing
from models.triggers.trigger import Trigger
from models.wire.sweeper import SweepRequest, SweepResult
from services.channels.base import Channel
from services.channels.open_channels import Channels
from services.composing.compose import Composer
from services.composing.recipient_numbers import RecipientNumbers
from services.composing.threads import Composing
from services.pacing.pacing import Pacing
from tests.sending import BODY, CODEC, DOMAIN, Always, Sending, Simulators, deliver_by
from tracking.links.links import compile_text

SEND = {"kind": "send", "channel": "simulator-sms", "message": {"body": BODY}}
TAG = {"kind": "tag", "tags": ["hot"]}


class Triggered:
    """`sending` has the organization and its provider."""

    def __init__(self, sending: Sending, channel: Channel | None = None, limits: Limits | None = None) -> None:
        channels: Channels = Always(channel) if channel else Simulators(sending.database)
        composing = Composing(Composer(CODEC, DOMAIN), RecipientNumbers(sending.database))
        self.sending = sending
        self.database = sending.database
        self.went_on = 0
        delivery = deliver_by(channels, self.database)
        self.activity = SendTriggered(
            self.database,
            Send(self.database, composing, Pacing(self.database), delivery, limits),
            timedelta(seconds=10),
            self._count,
        )

    def _count(self) -> None:
        self.went_on += 1

    async def trigger(self, actions: Sequence[Mapping[str, Any]] = (SEND,), **fields: Any) -> tuple[Campaign, Trigger]:
        """A published trigger of a campaign, with the contents of its messages."""
        campaign = await self.sending.campaign()
        definition = TriggerDefinition.model_validate({"key": "hot", "actions": list(actions), **fields})
        columns: dict[str, Any] = {"key": definition.key, "event": definition.when, "times": definition.times}
        trigger = Trigger(
            org_id=self.sending.org_id, campaign_id=campaign.id, **columns, definition=definition.model_dump(mode="json")
        )
        await self.sending.save(trigger)
        for position, action in enumerate(actions):
            if action["kind"] == "send":
                await self._content(trigger, position, action)
        return campaign, trigger

    async def _content(self, trigger: Trigger, position: int, action: Mapping[str, Any]) -> None:
        compiled = compile_text(action["message"]["body"], None)
        async with self.database.transaction() as session:
            channel = (await channels_by_name(session, trigger.org_id))[action["channel"]]
            content = Content(
                org_id=trigger.org_id,
                channel_id=channel.id,
                body=compiled.template,
                trigger_id=trigger.id,
                action_position=position,
            )
            await add_content(session, content, [NewLink(**link._asdict()) for link in compiled.links])

    async def fire(self, fired: tuple[Campaign, Trigger], *contacts: Contact, occurrence: int = 1) -> list[Firing]:
        """The trigger has fired for the contacts; their first action is next."""
        campaign, trigger = fired
        firings = [
            Firing(
                org_id=trigger.org_id,
                trigger_id=trigger.id,
                contact_id=contact.id,
                occurrence=occurrence,
                message_id=campaign.id,
                link_name="offer",
                fired_at=now(),
                sends=trigger.definition["actions"][0]["kind"] == "send",
                due_at=now() - timedelta(seconds=1),
            )
            for contact in contacts
        ]
        await self.sending.save(*firings)
        return firings

    async def send(self) -> SweepResult:
        return await ActivityEnvironment().run(self.activity.send_triggered, SweepRequest(woken=True))

    async def make_due(self) -> None:
        """Leases have ended, and what was to be tried later is due."""
        async with self.database.transaction() as session:
            await session.execute(text("UPDATE firing SET due_at = now() - interval '1 second' WHERE finished_at IS NULL"))

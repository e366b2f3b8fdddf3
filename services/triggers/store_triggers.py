"""Stores the triggers of a launched campaign or a published version: their rows, their links, and the texts of their messages."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.channels.channel import Channel
from models.triggers.actions.send import SendAction
from models.triggers.placed import PlacedTrigger, actions_of
from models.triggers.trigger import Trigger, TriggerLink, add_trigger_links, add_triggers
from services.contents.compile_content import CompiledMessage
from services.contents.compile_sends import Compiled
from services.contents.store_content import store


@dataclass(frozen=True)
class TriggerOwner:
    """The campaign, or the version of a sequence."""

    org_id: UUID
    campaign_id: UUID | None = None
    sequence_id: UUID | None = None
    sequence_version_id: UUID | None = None


@dataclass(frozen=True)
class StoredMessage:
    """A stored text whose links fire triggers. `step` is the index of its send step, and 0 for a campaign's message."""

    content_id: int
    message: CompiledMessage
    step: int = 0
    step_key: str | None = None


async def store_triggers(
    session: AsyncSession,
    owner: TriggerOwner,
    triggers: Sequence[PlacedTrigger],
    messages: Sequence[StoredMessage],
    sends: Compiled,
    channels: Mapping[str, Channel],
) -> None:
    """`sends` has the messages of the actions by their paths. Each becomes a content of its own, which belongs to its trigger and
    neither to the campaign nor to the sequence: their reports count their own messages."""
    step_keys = {each.step: each.step_key for each in messages}
    rows = [_row(owner, each, None if each.step is None else step_keys[each.step]) for each in triggers]
    await add_triggers(session, rows)
    links: list[TriggerLink] = []
    for row, each in zip(rows, triggers, strict=True):
        links += _links(row, each, messages)
        for path, position, action, _ in actions_of([each]):
            if isinstance(action, SendAction):
                channel = channels[action.channel]
                await store(session, channel, sends[path], (), trigger_id=row.id, action_position=position)
    await add_trigger_links(session, links)


def _row(owner: TriggerOwner, placed: PlacedTrigger, step_key: str | None) -> Trigger:
    trigger = placed.trigger
    return Trigger(
        **vars(owner),
        step_key=step_key,
        key=trigger.key,
        event=trigger.when,
        link=trigger.link,
        times=trigger.times,
        within=trigger.within,
        segment_id=trigger.segment_id,
        definition=trigger.model_dump(mode="json"),
    )


def _links(row: Trigger, placed: PlacedTrigger, messages: Sequence[StoredMessage]) -> Iterator[TriggerLink]:
    for each in messages:
        if placed.step in (None, each.step):
            for link in each.message.links:
                if placed.trigger.link in (None, link.name):
                    yield TriggerLink(content_id=each.content_id, position=link.position, trigger_id=row.id)

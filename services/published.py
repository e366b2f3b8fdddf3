"""Published versions as the engine reads them, kept in the process: a version never changes, so it is read once."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from models.channels.channel import Channel
from models.database import Database
from models.errors import NotFound
from models.messages.content import LoadedContent
from models.sequences.published import version_with_texts
from models.sequences.steps.base import Wait
from models.sequences.steps.definition import SequenceDefinition
from models.sequences.steps.message import MessageTemplate
from models.sequences.steps.registry import Step
from models.sequences.steps.send import SendStep
from models.wire.enrollments import Plan, PlannedStep, Waiting, Wake
from models.wire.names import send_queue

KEPT = 200
"""Versions in memory, those used last. A text has some kilobytes."""
NO_TEXT = MessageTemplate(body="(known to its content)")


@dataclass(frozen=True)
class PublishedText:
    """The text of a send step, and the channel that sends it."""

    content: LoadedContent
    channel: Channel


@dataclass(frozen=True)
class Published:
    """`plan` is what a workflow knows of the version; `texts` are by the keys of their steps. `definition` has no texts and no
    triggers, which are rows of their own."""

    definition: SequenceDefinition
    plan: Plan
    texts: Mapping[str, PublishedText]

    def text(self, step_key: str) -> PublishedText:
        if step_key not in self.texts:
            raise NotFound(f"The published version has no message for the step '{step_key}'.")
        return self.texts[step_key]

    def waiting(self, step: Wait, due_at: datetime) -> Waiting:
        """The rest at this step. Every way out of it is named, so that the workflow need not know the kinds of waits."""
        following, over = self.definition.following, step.when_over()
        wakes = (Wake(link=link, to=following(step.key, to), outcome=outcome) for link, to, outcome in step.waking_links())
        return Waiting(due_at=due_at, to=following(step.key, over.to), outcome=over.outcome, wakes=tuple(wakes))


class PublishedVersions:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: OrderedDict[UUID, Published] = OrderedDict()

    async def get(self, version_id: UUID) -> Published:
        """Its plan has the sequence's name of the time when it was read."""
        if version_id not in self._kept:
            self._kept[version_id] = await self._read(version_id)
        self._kept.move_to_end(version_id)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return self._kept[version_id]

    async def _read(self, version_id: UUID) -> Published:
        async with self._database.transaction() as session:
            version, name, found = await version_with_texts(session, version_id)
        definition = SequenceDefinition.model_validate(version.definition)
        texts = {key: PublishedText(content, channel) for key, content, channel in found}
        plain = SequenceDefinition(steps=tuple(_without_text(step) for step in definition.steps))
        steps = tuple(_planned(step, texts) for step in definition.steps)
        return Published(plain, Plan(name=name, version=version.version, steps=steps), texts)


def _planned(step: Step, texts: Mapping[str, PublishedText]) -> PlannedStep:
    text = texts.get(step.key)
    return PlannedStep(key=step.key, kind=step.kind, queue=send_queue(text.channel.kind) if text else None)


def _without_text(step: Step) -> Step:
    return step.model_copy(update={"message": NO_TEXT, "triggers": ()}) if isinstance(step, SendStep) else step

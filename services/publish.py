"""Publishes a sequence: the result is every fault of the draft with its path, or a new version with one content for each send
step and one for each action `send` of its triggers."""

import re
from collections.abc import Iterable, Mapping
from collections.abc import Sequence as SequenceOf
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.channels.channel import Channel, channels_by_name
from models.errors import FieldError
from models.organizations.limits import Limits
from models.organizations.organization import Organization
from models.organizations.quotas import take_contents
from models.sequences.check import StepGraph, check_sequence
from models.sequences.sequence import Sequence, SequenceVersion, add_version, current_version
from models.sequences.steps.definition import SequenceDefinition
from models.sequences.steps.notify import NotifyStep
from models.sequences.steps.registry import Step
from models.sequences.steps.send import SendStep
from models.triggers.check import ended_errors
from models.triggers.placed import PlacedTrigger, placed_in_sequence, send_actions
from services.contents.compile_content import refuse
from services.contents.compile_sends import Compiled, Sends, SendsMessage, compile_sends, sent_address_errors, size_errors
from services.contents.store_content import store
from services.effects.notify import target_problem
from services.judging.judge import Judge
from services.named_sequences import (
    Enrolled,
    enrolled_by_steps,
    enrolled_by_triggers,
    named_sequence_errors,
    round_errors,
    store_enrolled,
)
from services.triggers.check_published import Heard, published_trigger_errors
from services.triggers.store_triggers import StoredMessage, TriggerOwner, store_triggers
from settings import Settings

_PLACE = re.compile(r"(steps|triggers)\[(\d+)\]")
_PATH_OF_STEP = "steps[{}]"


class Judged(NamedTuple):
    """A draft without faults, with what was made of it to publish it."""

    definition: SequenceDefinition
    triggers: SequenceOf[PlacedTrigger]
    channels: Mapping[str, Channel]
    compiled: Compiled
    enrolled: SequenceOf[Enrolled]
    limits: Limits


async def publish(
    session: AsyncSession, settings: Settings, judge: Judge, organization: Organization, sequence: Sequence
) -> tuple[SequenceVersion, bool]:
    """Returns the version that new enrollments get from now on, and whether it was made now, because an unchanged draft makes
    none.

    The caller holds the sequence's lock. Raises Invalid with every fault.
    """
    current = await current_version(session, sequence)
    if current is not None and current.definition == sequence.draft:
        return current, False
    judged = await judge_draft(session, settings, judge, organization, sequence)
    await take_contents(session, organization.id, len(judged.compiled), judged.limits)
    version = await add_version(session, sequence)
    await store_enrolled(session, sequence.id, judged.enrolled)
    await _store(session, version, judged)
    return version, True


async def judge_draft(  # noqa: PLR0913, RUF100 - a draft, and what judges it
    session: AsyncSession,
    settings: Settings,
    judge: Judge,
    organization: Organization,
    sequence: Sequence,
    known: Iterable[FieldError] = (),
) -> Judged:
    """Raises Invalid with every fault for which the draft could not be published, and with those that are `known` for which it
    could not even be saved. Nothing is stored."""
    definition = SequenceDefinition.model_validate(sequence.draft)
    triggers = placed_in_sequence(definition.steps, definition.triggers)
    sends = sends_of(definition.steps, triggers)
    refuse(size_errors(sends, triggers, settings.sequence_text_limit), "The sequence cannot be published")
    channels = await channels_by_name(session, sequence.org_id)
    compiled, errors = await compile_sends(judge, sequence.org_id, sends, channels, definition.utm, definition.utm_overwrite)
    limits = Limits.of(settings, organization.limits)
    heard = Heard("sequence", sequence.link_tracking, _link_names(definition, compiled))
    errors += check_sequence(definition, heard.link_names, limits.shortest_loop)
    errors += await sent_address_errors(session, settings, sends, compiled)
    errors += await _target_errors(session, sequence.org_id, definition)
    errors += await published_trigger_errors(session, organization, triggers, heard, keys_of(definition.steps), sequence.id)
    errors += ended_errors(triggers, heard.link_names, StepGraph(definition.steps))
    errors += await named_sequence_errors(session, sequence.org_id, sequence.id, definition)
    enrolled = [*enrolled_by_steps(definition), *enrolled_by_triggers(definition, triggers)]
    errors += await round_errors(session, sequence.org_id, sequence.id, enrolled, limits.shortest_loop)
    refuse(sorted(dict.fromkeys([*known, *errors]), key=_order), "The sequence cannot be published")
    return Judged(definition, triggers, channels, compiled, enrolled, limits)


def sends_of(steps: Iterable[Step], triggers: Iterable[PlacedTrigger]) -> Sends:
    """Returns the send steps and the actions that send, by their paths."""
    own: dict[str, SendsMessage] = {
        _PATH_OF_STEP.format(index): step for index, step in enumerate(steps) if isinstance(step, SendStep)
    }
    return own | send_actions(triggers)


def notify_steps(steps: Iterable[Step]) -> dict[str, NotifyStep]:
    """Returns the steps that notify a team, by their paths."""
    return {_PATH_OF_STEP.format(index): step for index, step in enumerate(steps) if isinstance(step, NotifyStep)}


async def _target_errors(session: AsyncSession, org_id: UUID, definition: SequenceDefinition) -> list[FieldError]:
    steps = notify_steps(definition.steps).items()
    problems = [(path, await target_problem(session, org_id, step.target)) for path, step in steps]
    return [FieldError(f"{path}.target", problem) for path, problem in problems if problem]


def keys_of(steps: Iterable[Step]) -> set[str]:
    return {step.key for step in steps}


def _link_names(definition: SequenceDefinition, compiled: Compiled) -> dict[int, list[str | None] | None]:
    """Returns the names of the links in the text of each send step, by the step's index, and None for a text with faults."""
    paths = {index: _PATH_OF_STEP.format(index) for index, step in enumerate(definition.steps) if isinstance(step, SendStep)}
    return {index: compiled[path].names if path in compiled else None for index, path in paths.items()}


def _order(error: FieldError) -> tuple[int, int]:
    """Steps come first, with their triggers, and then the triggers of the sequence."""
    place = _PLACE.match(error.field)
    return (("steps", "triggers").index(place[1]), int(place[2])) if place else (2, 0)


async def _store(session: AsyncSession, version: SequenceVersion, judged: Judged) -> None:
    owner = TriggerOwner(version.org_id, sequence_id=version.sequence_id, sequence_version_id=version.id)
    stored = []
    for index, step in enumerate(judged.definition.steps):
        if isinstance(step, SendStep):
            message = judged.compiled[_PATH_OF_STEP.format(index)]
            content_id = await store(
                session,
                judged.channels[step.channel],
                message,
                [link.position for link in message.links],
                sequence_id=version.sequence_id,
                sequence_version_id=version.id,
                step_key=step.key,
            )
            stored.append(StoredMessage(content_id, message, index, step.key))
    await store_triggers(session, owner, judged.triggers, stored, judged.compiled, judged.channels)

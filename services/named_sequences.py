"""Refuses steps that name a sequence which cannot be meant, and sequences that enroll each other without a wait."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.errors import FieldError
from models.sequences.check import StepGraph
from models.sequences.enrolling import Enrolling, Round, enrollings_from, lock_enrollings, quickest_rounds, store_enrollings
from models.sequences.sequence import Sequence as SequenceRow
from models.sequences.sequence import SequenceState, names_by_id, sequences_by_id
from models.sequences.steps.base import NamedSequence, in_words
from models.sequences.steps.definition import SequenceDefinition
from models.triggers.mentions import mentioned
from models.triggers.placed import PlacedTrigger


class Enrolled(NamedTuple):
    """At `path`, people are enrolled in another sequence, at least `waits` after they have entered this one."""

    path: str
    sequence_id: UUID
    waits: timedelta


def _named(definition: SequenceDefinition) -> Iterator[tuple[str, int, NamedSequence]]:
    """Returns path, index and what is named there, for all steps."""
    for index, step in enumerate(definition.steps):
        for named in step.named_sequences():
            yield f"steps[{index}].{named.field}", index, named


async def named_sequence_errors(
    session: AsyncSession, org_id: UUID, own_id: UUID, definition: SequenceDefinition
) -> list[FieldError]:
    """Returns the steps that name a sequence which is not there, or enroll in a draft or in their own sequence."""
    named = list(_named(definition))
    found = await sequences_by_id(session, org_id, {each.id for _, _, each in named})
    return [FieldError(path, fault) for path, _, each in named if (fault := _fault(each, own_id, found.get(each.id)))]


def _fault(named: NamedSequence, own_id: UUID, sequence: SequenceRow | None) -> str | None:
    if sequence is None:
        return f"There is no sequence {named.id}."
    if named.enrolls and named.id == own_id:
        return "A sequence cannot enroll its people in itself: lead back to its first step instead."
    if named.enrolls and sequence.state == SequenceState.DRAFT:
        return "The sequence is a draft: publish it first."
    return None


def enrolled_by_steps(definition: SequenceDefinition) -> list[Enrolled]:
    soonest = StepGraph(definition.steps, definition.triggers).soonest()
    named = [(path, index, each.id) for path, index, each in _named(definition) if each.enrolls and index in soonest]
    return [Enrolled(path, sequence_id, soonest[index]) for path, index, sequence_id in named]


def enrolled_by_triggers(definition: SequenceDefinition, triggers: Sequence[PlacedTrigger]) -> list[Enrolled]:
    """A click can come as soon as its message is sent, so it counts as no wait, as in loops of steps. The same holds for a click
    that goes to another step. not_clicked fires at its deadline."""
    graph = StepGraph(definition.steps, definition.triggers)
    soonest = graph.soonest()
    found = []
    for each in triggers:
        heard = graph.sends() if each.step is None else [each.step]
        waits = [soonest[index] for index in heard if index in soonest]
        deadline = each.trigger.within if each.trigger.when == "not_clicked" else None
        least = min(waits, default=timedelta(0)) + (deadline or timedelta(0))
        found += [Enrolled(path, sequence_id, least) for path, sequence_id in mentioned([each]).sequences.items()]
    return found


async def round_errors(
    session: AsyncSession, org_id: UUID, own_id: UUID, enrolled: Sequence[Enrolled], shortest: timedelta
) -> list[FieldError]:
    """Returns where sequences that enroll each other wait for less than `shortest` in a whole round, as a loop of steps may not.

    Until the transaction ends, no other sequence of the organization that enrolls is published.
    """
    others = [each for each in enrolled if each.sequence_id != own_id]
    if not others:
        return []
    await lock_enrollings(session, org_id)
    published = await enrollings_from(session, {each.sequence_id for each in others})
    onward = [each for each in published if each.source != own_id]
    rounds = quickest_rounds([_enrolling(own_id, each) for each in others], onward)
    quick = {
        path: each
        for (path, _, _), each in zip(others, rounds, strict=True)
        if each and (each.takes < shortest or not each.takes)
    }
    names = await names_by_id(session, {id for each in quick.values() for id in each.sequences})
    return [FieldError(path, _round_message(each, names, shortest)) for path, each in quick.items()]


async def store_enrolled(session: AsyncSession, own_id: UUID, enrolled: Sequence[Enrolled]) -> None:
    """Remembers in which sequences the version that is published now enrolls people."""
    await store_enrollings(session, own_id, [_enrolling(own_id, each) for each in enrolled])


def _enrolling(own_id: UUID, enrolled: Enrolled) -> Enrolling:
    return Enrolling(own_id, enrolled.sequence_id, enrolled.waits)


def _round_message(found: Round, names: dict[UUID, str], shortest: timedelta) -> str:
    shown = " → ".join(names.get(each, str(each)) for each in found.sequences)
    if not found.takes:
        return f"These sequences enroll each other for ever without a wait: {shown}. Put a wait between them."
    return (
        f"These sequences can enroll each other after {in_words(found.takes)}: {shown}. They have to wait for at least "
        f"{in_words(shortest)} in each round: make their waits longer, or leave this out."
    )

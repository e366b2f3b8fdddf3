"""Publishing a sequence: every fault of the draft with its path, or a new version with one content for each send step."""

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from api.compile_content import CompiledMessage, compile_message, medium_errors, refuse, store
from models.channel import Channel, channels_by_name
from models.errors import FieldError
from models.sequence import Sequence, SequenceVersion, add_version, current_version
from models.sequence_check import check_sequence, waking_positions
from models.steps import SendStep, SequenceDefinition


async def publish(session: AsyncSession, sequence: Sequence) -> tuple[SequenceVersion, bool]:
    """The version that new enrollments get from now on, and whether it was made now: an unchanged draft makes none.

    The caller holds the sequence's lock. Invalid with every fault.
    """
    current = await current_version(session, sequence)
    if current is not None and current.definition == sequence.draft:
        return current, False
    definition = SequenceDefinition.model_validate(sequence.draft)
    channels = await channels_by_name(session, sequence.org_id)
    compiled, errors = _compile(definition, channels)
    errors += check_sequence(definition, {place: each.names for place, each in compiled.items()})
    refuse(sorted(errors, key=lambda error: int(error.field[6 : error.field.index("]")])), "The sequence cannot be published")
    version = await add_version(session, sequence)
    await _store(session, version, definition, channels, compiled)
    return version, True


def _compile(
    definition: SequenceDefinition, channels: Mapping[str, Channel]
) -> tuple[dict[int, CompiledMessage], list[FieldError]]:
    """The messages that are right, by the place of their step, and what is wrong with the others."""
    compiled: dict[int, CompiledMessage] = {}
    errors: list[FieldError] = []
    for place, step in enumerate(definition.steps):
        if not isinstance(step, SendStep):
            continue
        path = f"steps[{place}]"
        channel = channels.get(step.channel)
        if channel is None:
            known = ", ".join(channels) or "none"
            errors.append(FieldError(f"{path}.channel", f"There is no channel named '{step.channel}'; known channels: {known}."))
        else:
            errors += medium_errors(step.message, channel, f"{path}.message")
        message, wrong = compile_message(step.message, f"{path}.message", definition.utm, definition.utm_overwrite)
        errors += wrong
        if message is not None:
            compiled[place] = message
    return compiled, errors


async def _store(
    session: AsyncSession,
    version: SequenceVersion,
    definition: SequenceDefinition,
    channels: Mapping[str, Channel],
    compiled: Mapping[int, CompiledMessage],
) -> None:
    wakes = waking_positions(definition, {place: each.names for place, each in compiled.items()})
    for place, message in compiled.items():
        step = definition.steps[place]
        assert isinstance(step, SendStep)  # noqa: S101 - only those were compiled
        where = {"sequence_id": version.sequence_id, "sequence_version_id": version.id}
        await store(session, channels[step.channel], message, wakes[place], step_key=step.key, **where)

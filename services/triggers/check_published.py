"""What keeps triggers from working when their campaign is launched or their sequence is published."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.errors import FieldError
from models.organizations.cascade import Level, tracking_off_at
from models.organizations.organization import Organization
from models.sequences.sequence import SequenceState, sequences_by_id
from models.triggers.check import LinkNames, form_errors, link_errors
from models.triggers.mentions import Mentions, mentioned
from models.triggers.placed import PlacedTrigger
from services.triggers.unknown import unknown_errors


@dataclass(frozen=True)
class Heard:
    """The messages that the triggers of a campaign or a sequence listen to, and whether their links are tracked."""

    level: Level
    link_tracking: bool | None
    link_names: LinkNames


async def published_trigger_errors(
    session: AsyncSession,
    organization: Organization,
    triggers: Sequence[PlacedTrigger],
    heard: Heard,
    steps: Collection[str] | None = None,
    sequence_id: UUID | None = None,
) -> list[FieldError]:
    """Returns every fault with its path, apart from those of messages, which `services/contents/compile_sends.py` finds.

    `steps` are the keys of the steps of the sequence `sequence_id`. A campaign has neither.
    """
    named = mentioned(triggers)
    return [
        *form_errors(triggers, steps),
        *link_errors(triggers, heard.link_names),
        *_untracked(organization, triggers, heard),
        *await unknown_errors(session, organization.id, named),
        *await _cannot_enroll(session, organization.id, named, sequence_id),
    ]


def _untracked(organization: Organization, triggers: Sequence[PlacedTrigger], heard: Heard) -> Iterator[FieldError]:
    off_at = tracking_off_at(organization, heard.level, heard.link_tracking) if triggers else []
    if heard.level in off_at:
        yield FieldError("link_tracking", "Triggers need tracked links: switch link tracking on, or remove the triggers.")
    if "organization" in off_at:
        for place in dict.fromkeys(each.place for each in triggers):
            whole = "Link tracking is off for the whole organization, so no click is seen"
            yield FieldError(place, f"{whole}: switch it on, or remove the triggers.")


async def _cannot_enroll(session: AsyncSession, org_id: UUID, named: Mentions, sequence_id: UUID | None) -> list[FieldError]:
    sequences = await sequences_by_id(session, org_id, named.sequences.values())
    errors = []
    for path, each in named.sequences.items():
        if each == sequence_id:
            message = "A sequence cannot enroll its own people again by a trigger: use go_to to begin again from its first step."
            errors.append(FieldError(path, message))
        elif each in sequences and sequences[each].state == SequenceState.DRAFT:
            errors.append(FieldError(path, "The sequence is a draft: publish it first."))
    return errors

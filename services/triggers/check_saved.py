"""What is wrong with the triggers of a draft when it is saved, apart from the texts of their messages."""

from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.channels.channel import channels_by_name
from models.errors import FieldError
from models.triggers.check import form_errors
from models.triggers.mentions import mentioned
from models.triggers.placed import PlacedTrigger, send_actions
from services.contents.compile_sends import channel_errors
from services.triggers.unknown import unknown_errors


async def saved_trigger_errors(
    session: AsyncSession,
    org_id: UUID,
    triggers: Sequence[PlacedTrigger],
    saved: Iterable[PlacedTrigger],
    steps: Collection[str] | None = None,
) -> list[FieldError]:
    """Returns every fault with its path. `steps` are the keys of the sequence's steps, which a campaign does not have.

    What the triggers that are `saved` already name is not looked up again, so that a draft can still be changed when something
    that it names has gone. The launch and the publish look everything up.
    """
    return [
        *form_errors(triggers, steps),
        *await unknown_errors(session, org_id, mentioned(triggers).beyond(mentioned(saved))),
        *channel_errors(send_actions(triggers), await channels_by_name(session, org_id)),
    ]

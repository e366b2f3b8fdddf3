"""The action `notify`: a team hears of everybody of the batch, with its next notification."""

from sqlalchemy.ext.asyncio import AsyncSession

from activities.actions.base import Batch, Taken
from models.notifications.items import FiringCause, Happened, NotificationItemIn, Place
from models.notifications.told_of import places_of_clicks, source_name
from models.triggers.actions.notify import NotifyAction
from models.triggers.due import DueFiring
from models.triggers.results import done, failed
from services.effects.hints import Hints
from services.effects.notify import find_target_id, notify


class Notify:
    def __init__(self, hints: Hints) -> None:
        self._hints = hints

    async def take(self, session: AsyncSession, batch: Batch, action: NotifyAction) -> Taken:
        trigger = batch.trigger
        target_id = await find_target_id(session, trigger.org_id, action.target)
        if target_id is None:
            gone = failed("there is no such notification target any more", result="no_target")
            return Taken({each.id: gone for each in batch.firings})
        source = await source_name(session, trigger.campaign_id, trigger.sequence_id)
        places = await places_of_clicks(session, [each.click_id for each in batch.firings if each.click_id is not None])

        def item(firing: DueFiring) -> NotificationItemIn:
            return NotificationItemIn(
                FiringCause(firing.id, batch.position),
                firing.contact_id,
                firing.fired_at,
                link_name=firing.link_name,
                happened=Happened.CLICKED if firing.click_id is not None else Happened.NOT_CLICKED,
                source=source,
                place=places.get(firing.click_id, Place()) if firing.click_id else Place(),
                text=action.text,
            )

        await notify(session, trigger.org_id, target_id, [item(each) for each in batch.firings])
        result = done(target_id=str(target_id))
        return Taken({each.id: result for each in batch.firings}, lambda: self._hints.give(notified=True))

"""The action `set_field`: a field or a property of the person gets a value."""

from sqlalchemy.ext.asyncio import AsyncSession

from activities.actions.base import Batch, Taken
from models.contacts.change_many import ChangeResult, ContactChange
from models.triggers.actions.set_field import SetFieldAction
from models.triggers.results import ActionResult, done, failed
from services.effects.update_contacts import update_contacts

PROPERTY = "properties."
RESULTS: dict[ChangeResult, ActionResult] = {
    ChangeResult.UPDATED: done(),
    ChangeResult.UNCHANGED: done(unchanged=True),
    ChangeResult.TOO_MANY_TAGS: failed("the contact would have too many tags", result=ChangeResult.TOO_MANY_TAGS.value),
    ChangeResult.PROPERTIES_TOO_LARGE: failed(
        "the contact's properties would be too large", result=ChangeResult.PROPERTIES_TOO_LARGE.value
    ),
    ChangeResult.UNKNOWN_CONTACT: failed("there is no such contact any more", result=ChangeResult.UNKNOWN_CONTACT.value),
}


class SetField:
    async def take(self, session: AsyncSession, batch: Batch, action: SetFieldAction) -> Taken:
        if action.field.startswith(PROPERTY):
            change = {"properties": {action.field.removeprefix(PROPERTY): action.value}}
        else:
            change = {"fields": {action.field: action.value}}
        return await change_all(session, batch, ContactChange.model_validate(change))


async def change_all(session: AsyncSession, batch: Batch, change: ContactChange) -> Taken:
    """Makes the change to the contacts of all firings."""
    contacts = [each.contact_id for each in batch.firings]
    changed = await update_contacts(session, batch.trigger.org_id, contacts, change)
    return Taken({each.id: RESULTS[changed[each.contact_id]] for each in batch.firings})

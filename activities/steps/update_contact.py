"""The effect of `update_contact`: tags, names and properties of the contact change."""

from sqlalchemy.ext.asyncio import AsyncSession

from activities.steps.base import At, Written
from models.contacts.change_many import ChangeResult
from models.sequences.steps.update_contact import UpdateContactStep
from services.effects.update_contacts import update_contacts

CAME_OUT_WELL = {ChangeResult.UPDATED, ChangeResult.UNCHANGED}


class UpdateContact:
    async def write(self, session: AsyncSession, at: At, step: UpdateContactStep) -> Written:
        results = await update_contacts(session, at.enrollment.org_id, [at.enrollment.contact_id], step.change)
        result = results[at.enrollment.contact_id]
        return Written(result.value if result in CAME_OUT_WELL else f"not_updated: {result}")

"""The actions `tag` and `untag`: the person gets tags or loses them."""

from sqlalchemy.ext.asyncio import AsyncSession

from activities.actions.base import Batch, Taken
from activities.actions.set_field import change_all
from models.contacts.change_many import ContactChange
from models.triggers.actions.tag import TagAction, UntagAction


class Tag:
    async def take(self, session: AsyncSession, batch: Batch, action: TagAction) -> Taken:
        return await change_all(session, batch, ContactChange(tags_add=list(action.tags)))


class Untag:
    async def take(self, session: AsyncSession, batch: Batch, action: UntagAction) -> Taken:
        return await change_all(session, batch, ContactChange(tags_remove=list(action.tags)))

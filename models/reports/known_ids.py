"""Checks the ids by which a list is filtered. An id that is not the organization's is refused, because an empty list would look
like an answer."""

from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.clicks.click import Scope
from models.errors import FieldError, NotFound

TABLES = {
    "campaign_id": "campaign",
    "channel_id": "channel",
    "contact_id": "contact",
    "enrollment_id": "enrollment",
    "firing_id": "firing",
    "link_id": "content_link",
    "sequence_id": "sequence",
    "trigger_id": "trigger",
}

KNOWN = "EXISTS (SELECT FROM {table} WHERE id = :{name} AND org_id = :org_id) AS {name}"


async def require_known(session: AsyncSession, org_id: UUID, wanted: object) -> None:
    """`wanted` is a filter such as ClickFilter. Raises NotFound with the names of those of its ids that the organization does not
    have."""
    given: dict[str, Any] = {name: value for name, value in vars(wanted).items() if name in TABLES and value is not None}
    if not given:
        return
    columns = ", ".join(KNOWN.format(table=TABLES[name], name=name) for name in given)
    known = (await session.execute(text(f"SELECT {columns}"), {**given, "org_id": org_id})).one()._asdict()
    unknown = [FieldError(name, f"There is no such {name.removesuffix('_id')}.") for name in given if not known[name]]
    if unknown:
        raise NotFound(" ".join(f"{each.field}: {each.message}" for each in unknown), unknown)


OF_SCOPE = """
EXISTS (SELECT FROM content_link link JOIN content ON content.id = link.content_id
    WHERE link.id = :link_id AND link.org_id = :org_id AND content.{scope}_id = :scope_id)
"""


async def require_link_of(session: AsyncSession, org_id: UUID, scope: Scope, scope_id: UUID, link_id: UUID) -> None:
    """Raises NotFound unless the link stands in a text of this campaign or sequence."""
    values = {"org_id": org_id, "scope_id": scope_id, "link_id": link_id}
    if not await session.scalar(text(f"SELECT {OF_SCOPE.format(scope=scope.value)}"), values):
        sentence = f"The {scope.value} has no such link."
        raise NotFound(f"link_id: {sentence}", [FieldError("link_id", sentence)])


async def require_tag(session: AsyncSession, org_id: UUID, tag: str) -> None:
    """Raises NotFound unless a contact of the organization has the tag."""
    statement = "SELECT EXISTS (SELECT FROM contact_tag WHERE org_id = :org_id AND tag = :tag)"
    if not await session.scalar(text(statement), {"org_id": org_id, "tag": tag}):
        sentence = "No contact has this tag."
        raise NotFound(f"tag: {sentence}", [FieldError("tag", sentence)])

"""One change of tags, names and properties for many contacts at once.

It touches no identifying field, so that nobody has to wait for the organization's lock (`models/contacts/lock.py`).
"""

from collections.abc import Collection
from enum import StrEnum
from json import dumps
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.base import now
from models.contacts.input import MAX_PROPERTIES_BYTES, MAX_TAGS, Name, Properties, Tags
from models.organizations.time_zone import known_time_zone


def _with_known_zone(fields: dict[str, str | None]) -> dict[str, str | None]:
    if zone := fields.get("time_zone"):
        known_time_zone(zone)
    return fields


class ContactChange(BaseModel):
    """What changes in each contact. A field or a property that is null is removed, and what is not named stays as it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tags_add: Tags = Field(default_factory=list, examples=[["hot"]])
    tags_remove: Tags = Field(default_factory=list, examples=[["cold"]])
    fields: Annotated[dict[Literal["first_name", "last_name", "time_zone"], Name | None], AfterValidator(_with_known_zone)] = (
        Field(default_factory=dict, examples=[{"time_zone": "Europe/London"}])
    )
    properties: Properties = Field(default_factory=dict, examples=[{"plan": "gold", "trial_ends": None}])

    @model_validator(mode="after")
    def _changes_something(self) -> "ContactChange":
        if not any((self.tags_add, self.tags_remove, self.fields, self.properties)):
            raise ValueError("Say what to change: tags_add, tags_remove, fields or properties.")
        if both := sorted(set(self.tags_add) & set(self.tags_remove)):
            raise ValueError(f"The tag '{both[0]}' cannot be added and removed at once.")
        return self


class ChangeResult(StrEnum):
    """What became of one contact. With the last three, nothing of it was changed."""

    UPDATED = "updated"
    UNCHANGED = "unchanged"
    TOO_MANY_TAGS = "too_many_tags"
    PROPERTIES_TOO_LARGE = "properties_too_large"
    UNKNOWN_CONTACT = "unknown_contact"


# Tags keep their order, and new ones come behind them. A contact that is beyond a limit already may become smaller. Contacts are
# locked in the order of their ids, as all writers do.
CHANGE = """
WITH held AS (
    SELECT id, tags, properties, first_name, last_name, time_zone FROM contact
    WHERE id = ANY(CAST(:ids AS uuid[])) AND org_id = :org_id AND erased_at IS NULL ORDER BY id FOR NO KEY UPDATE
), wanted AS (
    SELECT held.id, ARRAY(SELECT kept.tag FROM (
            SELECT tag, place FROM unnest(held.tags) WITH ORDINALITY AS had (tag, place) WHERE tag <> ALL(CAST(:remove AS text[]))
            UNION ALL
            SELECT tag, :most_tags + place FROM unnest(CAST(:add AS text[])) WITH ORDINALITY AS added (tag, place)
            WHERE tag <> ALL(held.tags)
        ) AS kept ORDER BY kept.place) AS tags,
        (held.properties || CAST(:set AS jsonb)) - CAST(:unset AS text[]) AS properties,
        CASE WHEN given ? 'first_name' THEN given ->> 'first_name' ELSE held.first_name END AS first_name,
        CASE WHEN given ? 'last_name' THEN given ->> 'last_name' ELSE held.last_name END AS last_name,
        CASE WHEN given ? 'time_zone' THEN given ->> 'time_zone' ELSE held.time_zone END AS time_zone
    FROM held CROSS JOIN CAST(:fields AS jsonb) AS given
), judged AS (
    SELECT id, CASE
        WHEN cardinality(wanted.tags) > greatest(:most_tags, cardinality(held.tags)) THEN 'too_many_tags'
        WHEN octet_length(CAST(wanted.properties AS text)) > greatest(:most_bytes, octet_length(CAST(held.properties AS text)))
            THEN 'properties_too_large'
        WHEN wanted IS NOT DISTINCT FROM held THEN 'unchanged'
        ELSE 'updated' END AS result
    FROM held JOIN wanted USING (id)
), changed AS (
    UPDATE contact SET tags = wanted.tags, properties = wanted.properties, first_name = wanted.first_name,
        last_name = wanted.last_name, time_zone = wanted.time_zone, updated_at = :now
    FROM wanted JOIN judged USING (id) WHERE contact.id = wanted.id AND judged.result = 'updated'
)
SELECT id, result FROM judged
"""


async def change_contacts(
    session: AsyncSession, org_id: UUID, contact_ids: Collection[UUID], change: ContactChange
) -> dict[UUID, ChangeResult]:
    """Makes the same change to all of these contacts in one statement. It is safe to repeat. Returns the result of each."""
    parameters = {
        "ids": list(contact_ids),
        "org_id": org_id,
        "add": change.tags_add,
        "remove": change.tags_remove,
        "set": dumps({name: value for name, value in change.properties.items() if value is not None}),
        "unset": [name for name, value in change.properties.items() if value is None],
        "fields": dumps(change.fields),
        "most_tags": MAX_TAGS,
        "most_bytes": MAX_PROPERTIES_BYTES,
        "now": now(),
    }
    found = {row.id: ChangeResult(row.result) for row in await session.execute(text(CHANGE), parameters)}
    return {contact_id: found.get(contact_id, ChangeResult.UNKNOWN_CONTACT) for contact_id in contact_ids}

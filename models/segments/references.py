"""Checks what a definition names. Another organization's id is the same fault as one that does not exist."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.errors import FieldError
from models.segments.definition import Condition, references
from models.segments.kinds.base import Reference

TABLES = {"campaign": "campaign", "sequence": "sequence", "link": "content_link"}

KNOWN = "SELECT id FROM {table} WHERE org_id = :org_id AND id = ANY(CAST(:ids AS uuid[]))"

# The links of a launched campaign or a published sequence, and those that a draft has under a name.
LINK_NAMES = """
SELECT content.campaign_id AS id, content_link.name FROM content JOIN content_link ON content_link.content_id = content.id
WHERE content.org_id = :org_id AND content.campaign_id = ANY(CAST(:ids AS uuid[]))
UNION
SELECT content.sequence_id, content_link.name FROM content JOIN content_link ON content_link.content_id = content.id
WHERE content.org_id = :org_id AND content.sequence_id = ANY(CAST(:ids AS uuid[]))
UNION
SELECT campaign.id, jsonb_object_keys(message -> 'links') FROM campaign
WHERE org_id = :org_id AND campaign.id = ANY(CAST(:ids AS uuid[])) AND jsonb_typeof(message -> 'links') = 'object'
UNION
SELECT sequence.id, jsonb_object_keys(step -> 'message' -> 'links') FROM sequence
CROSS JOIN LATERAL jsonb_array_elements(draft -> 'steps') AS step
WHERE org_id = :org_id AND sequence.id = ANY(CAST(:ids AS uuid[])) AND jsonb_typeof(step -> 'message' -> 'links') = 'object'
"""


async def unknown_references(session: AsyncSession, org_id: UUID, definition: Condition) -> list[FieldError]:
    """Returns a fault for each campaign, sequence, link and name of a link that the organization does not have."""
    found = list(references(definition))
    known = await _known(session, org_id, [each for _, each in found])
    names = await _link_names(session, org_id, [each.id for _, each in found if each.link is not None])
    errors = []
    for path, each in found:
        if each.id not in known:
            errors.append(FieldError(f"{path}.{each.field}", f"There is no {each.kind} {each.id}."))
        elif each.link is not None and each.link not in names[each.id]:
            listed = ", ".join(sorted(names[each.id])) or "none"
            errors.append(
                FieldError(f"{path}.link", f"The {each.kind} has no link named '{each.link}'; its named links: {listed}.")
            )
    return errors


async def _known(session: AsyncSession, org_id: UUID, wanted: Sequence[Reference]) -> set[UUID]:
    known: set[UUID] = set()
    for kind, table in TABLES.items():
        ids = [each.id for each in wanted if each.kind == kind]
        if ids:
            known |= set(await session.scalars(text(KNOWN.format(table=table)), {"org_id": org_id, "ids": ids}))
    return known


async def _link_names(session: AsyncSession, org_id: UUID, ids: Sequence[UUID]) -> dict[UUID, set[str]]:
    names: dict[UUID, set[str]] = defaultdict(set)
    if ids:
        for row in await session.execute(text(LINK_NAMES), {"org_id": org_id, "ids": list(ids)}):
            if row.name is not None:
                names[row.id].add(row.name)
    return names

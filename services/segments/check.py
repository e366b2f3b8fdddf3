"""Checks a segment before it is saved or looked at: everything that it names has to be there."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.campaigns.audience import definitions_now
from models.errors import FieldError
from models.segments.definition import Condition
from models.segments.references import unknown_references
from services.contents.compile_content import refuse


async def unknown_segments(session: AsyncSession, org_id: UUID, audience: Mapping[str, Any]) -> list[FieldError]:
    """Finds those segments of a campaign's audience that the organization does not have, or not any more."""
    known = await definitions_now(session, org_id, audience)
    return [
        FieldError(f"audience.{field}[{place}]", f"There is no segment {id}.")
        for field in ("segment_ids", "exclude_segment_ids")
        for place, id in enumerate(audience.get(field, ()))
        if id not in known
    ]


async def check_segment(session: AsyncSession, org_id: UUID, definition: Condition) -> None:
    """Raises Invalid with every fault, each with its path."""
    refuse(await unknown_references(session, org_id, definition), "The segment cannot be used")

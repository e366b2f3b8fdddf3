"""Which of some contacts are in a segment at this moment: the question that a trigger asks."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from models.base import now
from models.segments.definition import read_definition
from models.segments.limits import STATEMENT_ENDED
from models.segments.people import matching_people
from models.segments.segment import segments_by_id
from safe_errors import OwnWords


class SegmentTooSlow(OwnWords):
    """The question took longer than a statement of the caller's transaction may take."""


async def matching(session: AsyncSession, org_id: UUID, segment_id: UUID, contact_ids: Collection[UUID]) -> set[UUID]:
    """One statement for all of the contacts. A segment that the organization does not have, or not any more, has nobody in it.

    Raises SegmentTooSlow when PostgreSQL ended the statement. The transaction can only be rolled back then.
    """
    segment = (await segments_by_id(session, org_id, [segment_id])).get(segment_id)
    if segment is None or not contact_ids:
        return set()
    try:
        return await matching_people(session, org_id, read_definition(segment.definition), now(), contact_ids)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == STATEMENT_ENDED:
            raise SegmentTooSlow(
                f"the segment {segment_id} could not be asked in time: narrow it down with a tag that has to fit as well"
            ) from None
        raise

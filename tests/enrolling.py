"""Enrolling in tests of something else: in the published version, as a request does it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.sequences.enroll import Cause, Enrolled, Person, enroll, published_target


async def enroll_in(
    session: AsyncSession,
    org_id: UUID,
    sequence_id: UUID,
    contact_ids: Sequence[UUID],
    cause: Cause | None = None,
    **options: Any,
) -> list[Enrolled]:
    into = await published_target(session, org_id, sequence_id)
    assert into, "publish the sequence first"
    return await enroll(session, into, [Person(contact_id, cause) for contact_id in contact_ids], **options)

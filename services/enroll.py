"""Enrolls contacts in a sequence by a request.

The rows are written in the caller's transaction. `start` starts the workflows once that is committed, and the sweeper starts
whatever it leaves. `active` is the process's count of enrollments that are not over, against the organization's limit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.errors import Conflict, ConflictCode
from models.organizations.limits import Limits
from models.organizations.organization import Organization
from models.organizations.quotas import ActiveEnrollments, too_many_enrollments
from models.sequences.enroll import Enrolled, Person, enroll, new_enrollments, target
from models.sequences.sequence import current_version, get_sequence
from models.wire.names import BULK, ONE_PERSON
from services.starter import Starter

STARTED_AT_ONCE = 20
"""This many workflows are started at once, and the sweeper starts the rest."""


async def enroll_contacts(
    session: AsyncSession,
    limits: Limits,
    active: ActiveEnrollments,
    organization: Organization,
    sequence_id: UUID,
    contact_ids: Sequence[UUID],
    variables: Mapping[str, Any] = MappingProxyType({}),
    key_id: str | None = None,
) -> list[Enrolled]:
    """Enrolls the contacts in the sequence's published version, with one result for each of `contact_ids`, in their order. Each
    enrollment has the `variables`, and its first event says which API key asked for it (`key_id`).

    Raises NotFound for a sequence that is not the organization's, Conflict for a draft, and QuotaReached when there is no room
    for all of them: the caller rolls back, and none is enrolled.
    """
    sequence = await get_sequence(session, organization.id, sequence_id)
    version = await current_version(session, sequence)
    if version is None:
        raise Conflict(ConflictCode.SEQUENCE_DRAFT, "The sequence is a draft: publish it first.")
    people = [Person(contact_id, variables=variables) for contact_id in contact_ids]
    room = await active.room(session, organization.id, limits.active_enrollments)
    if not room:
        raise too_many_enrollments(limits.active_enrollments)
    results = await enroll(session, replace(target(sequence, version.id), key_id=key_id), people)
    number = len(new_enrollments(results))
    if number > room:
        raise too_many_enrollments(limits.active_enrollments)
    active.started(organization.id, number)
    return results


async def start(starter: Starter, enrollments: Sequence[UUID]) -> None:
    """Starts the first workflows and rings the sweeper for the rest. More than are started at once are a bulk, all of them."""
    at_once = enrollments[:STARTED_AT_ONCE]
    await starter.start_enrollments(at_once, ONE_PERSON if len(at_once) == len(enrollments) else BULK)
    if len(at_once) < len(enrollments):
        await starter.ring_sweeper()

"""Enrolls people in a sequence because a trigger has fired or a step says so."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.organizations.limits import Limits
from models.organizations.organization import Organization
from models.organizations.quotas import ActiveEnrollments
from models.sequences.enroll import Enrolled, EnrollResult, Person, enroll, new_enrollments, published_target


async def enroll_people(
    session: AsyncSession,
    limits: Limits | None,
    active: ActiveEnrollments,
    org_id: UUID,
    sequence_id: UUID,
    people: Sequence[Person],
    campaign_id: UUID | None = None,
) -> list[Enrolled]:
    """Returns one result for each of `people`, in their order, and raises nothing when somebody cannot be enrolled.

    It is safe to repeat: whom a cause has enrolled already counts as enrolled by it. Once the caller has committed, start the
    workflows of `new_enrollments` (`services/effects/hints.py`); the sweeper starts those that are not. `limits` are those of
    organizations without limits of their own; with None, nobody has any. `campaign_id` is the campaign whose trigger enrolls.
    """
    into = await published_target(session, org_id, sequence_id, campaign_id)
    if into is None:
        return [Enrolled(person.contact_id, EnrollResult.SEQUENCE_NOT_PUBLISHED, None) for person in people]
    if limits is None:
        return await enroll(session, into, people)
    organization = await session.get_one(Organization, org_id)
    room = await active.room(session, org_id, limits.changed(organization.limits).active_enrollments)
    results = await enroll(session, into, people, room)
    active.started(org_id, len(new_enrollments(results)))
    return results

"""Records what people say about getting messages, and ends what an opt-out covers.

From the commit on, the gate of every message knows it (`models/consent/obstacles.py`), with Temporal up or down.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.base import now
from models.channels.channel import Channel
from models.commands.many import stop_these
from models.consent.consent import Consent, ConsentSource, ConsentState
from models.consent.covered import covered_enrollments
from models.consent.current import newest_given_at
from models.consent.lock import lock_people
from models.organizations.organization import OptOutScope, Organization

OPTED_OUT = "the person opted out"
"""The outcome of an enrollment that an opt-out ended."""


@dataclass(frozen=True)
class Scope:
    """The messages that an answer is about: those of this medium, of this channel and of this kind. None covers all."""

    medium: str | None = None
    channel_id: UUID | None = None
    message_kind: str | None = None


EVERYTHING = Scope()
LATER = timedelta(microseconds=1)


def scope_of(organization: Organization, channel: Channel) -> Scope:
    """Returns what an opt-out covers that came by this channel and does not say it itself."""
    match organization.opt_out_scope:
        case OptOutScope.CHANNEL:
            return Scope(channel.medium, channel.id)
        case OptOutScope.MEDIUM:
            return Scope(channel.medium)
        case _:
            return EVERYTHING


def opt_in_scope_of(organization: Organization, channel: Channel) -> Scope:
    """Returns what an opt-in covers that came by this channel: never more than the channel's medium, because somebody who wants
    text messages again has said nothing about e-mail."""
    return Scope(channel.medium, channel.id if organization.opt_out_scope == OptOutScope.CHANNEL else None)


async def record_consent(
    session: AsyncSession,
    org_id: UUID,
    contact_ids: Sequence[UUID],
    state: ConsentState,
    scope: Scope,
    source: ConsentSource,
    *,
    proof: dict[str, Any] | None = None,
    given_at: datetime | None = None,
    reason: str | None = None,
) -> list[UUID]:
    """Writes a consent for each contact; those of other organizations are left out. An opt-out also asks for the stop of the
    enrollments that it covers (`docs/consent.md`).

    Returns the ids of these commands: hand them to `CommandDelivery.deliver` after the commit. `given_at` is the time of the
    person's act, and a time in the future counts as now. By default it is now, and later than everything that the person has said
    before, whatever the clocks of our machines say. For the order of locks, see `lock_people`.
    """
    people = await lock_people(session, org_id, contact_ids)
    at, before = now(), await newest_given_at(session, people)
    session.add_all(
        Consent(
            org_id=org_id,
            contact_id=person,
            state=state,
            medium=scope.medium,
            channel_id=scope.channel_id,
            message_kind=scope.message_kind,
            source=source,
            reason=reason,
            proof=proof or {},
            given_at=min(given_at, at) if given_at else max(at, before.get(person, at) + LATER),
        )
        for person in people
    )
    await session.flush()
    if state != ConsentState.OPTED_OUT or not people:
        return []
    covered = await covered_enrollments(session, people, scope.medium, scope.channel_id, scope.message_kind)
    return list((await stop_these(session, org_id, covered, OPTED_OUT)).values())

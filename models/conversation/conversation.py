"""One contact's timeline: what was sent, clicked and written back, which steps were taken, what triggers did or why they did not,
and what the contact said about getting messages."""

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.channels.channel import Medium
from models.consent.suppression import address_hash
from models.contacts.contact import Contact
from models.conversation.consent_entries import (
    ConsentEntry,
    InboundEntry,
    SuppressionEntry,
    read_consents,
    read_inbound,
    read_suppressions,
)
from models.conversation.message_entries import ClickEntry, MessageEntry, read_clicks, read_messages
from models.conversation.step_entries import StepEntry, read_steps
from models.conversation.timeline import ConversationFilter, EntryKind, Order, Place, TimelinePosition, Whose, read_positions
from models.conversation.trigger_entries import FiringEntry, RefusalEntry, read_firings, read_refusals
from models.organizations.owned import require_owned
from models.paging import rows_that_fit
from models.reports.known_ids import require_known

Entry = MessageEntry | ClickEntry | StepEntry | FiringEntry | RefusalEntry | ConsentEntry | SuppressionEntry | InboundEntry


async def contact_exists(session: AsyncSession, org_id: UUID, contact_id: UUID) -> None:
    """Raises NotFound when the contact is not the organization's."""
    await _whose(session, org_id, contact_id)


async def _whose(session: AsyncSession, org_id: UUID, contact_id: UUID) -> Whose:
    contact = require_owned(await session.scalar(select(Contact).where(col(Contact.id) == contact_id)), org_id, "contact")
    addresses = ((Medium.SMS, contact.phone), (Medium.EMAIL, contact.email))
    return Whose(org_id, contact_id, [address_hash(org_id, medium, address) for medium, address in addresses if address])


async def read_conversation(
    session: AsyncSession,
    org_id: UUID,
    contact_id: UUID,
    order: Order,
    wanted: ConversationFilter,
    after: TimelinePosition | None,
    limit: int,
) -> tuple[list[Entry], TimelinePosition | None]:
    """Returns a page of the timeline in twenty-one statements at most, however long it is, and the position after which the
    next page begins, which is None on the last page. A page ends before its texts have more than `MOST_BYTES`. Raises NotFound
    for an id that is not the organization's."""
    whose = await _whose(session, org_id, contact_id)
    await require_known(session, org_id, wanted)
    places = await read_positions(session, whose, order, wanted, after, limit + 1)
    page = places[: rows_that_fit(place.size for place in places[:limit])]
    entries = await _entries(session, contact_id, page)
    shown = [entries[place.position.id] for place in page if place.position.id in entries]
    return shown, page[-1].position if len(places) > len(page) else None


async def _entries(session: AsyncSession, contact_id: UUID, places: Iterable[Place]) -> dict[UUID, Entry]:
    of_kind: defaultdict[EntryKind, list[UUID]] = defaultdict(list)
    for place in places:
        of_kind[place.kind].append(place.position.id)
    return {
        **await read_messages(session, contact_id, of_kind[EntryKind.MESSAGE]),
        **await read_clicks(session, of_kind[EntryKind.CLICK]),
        **await read_steps(session, of_kind[EntryKind.STEP]),
        **await read_firings(session, of_kind[EntryKind.TRIGGER]),
        **await read_refusals(session, contact_id, of_kind[EntryKind.TRIGGER_REFUSAL]),
        **await read_consents(session, of_kind[EntryKind.CONSENT]),
        **await read_suppressions(session, of_kind[EntryKind.SUPPRESSION]),
        **await read_inbound(session, of_kind[EntryKind.INBOUND_MESSAGE]),
    }

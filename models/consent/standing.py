"""How contacts stand: what each has said about marketing, whether an address is suppressed, and when they clicked last. One
statement, however many contacts there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.channels.channel import Medium
from models.consent.consent import ConsentState
from models.consent.suppression import SuppressionReason, address_hash
from models.contacts.contact import Contact

# As in `models/consent/current.py` and `obstacles.py`, for all channels about which nothing more was said.
READ = text("""
SELECT given.id, given.medium, coalesce((
           SELECT state FROM consent WHERE contact_id = given.id AND (consent.medium IS NULL OR consent.medium = given.medium)
              AND channel_id IS NULL AND (message_kind IS NULL OR message_kind = 'marketing')
            ORDER BY given_at DESC, consent.id DESC LIMIT 1), 'unknown') AS consent,
       (SELECT reason FROM suppression WHERE org_id = :org_id AND suppression.address_hash = given.address_hash
           AND lifted_at IS NULL AND channel_id IS NULL AND (message_kind IS NULL OR message_kind = 'marketing')
         ORDER BY suppression.id LIMIT 1) AS suppressed,
       (SELECT last_click_at FROM contact_engagement WHERE org_id = :org_id AND contact_id = given.id)
  FROM unnest(CAST(:ids AS uuid[]), CAST(:media AS text[]), CAST(:hashes AS bytea[])) AS given (id, medium, address_hash)
""")


@dataclass(frozen=True)
class MediumStanding:
    """`suppressed` says why nothing is sent to the contact's address for this medium."""

    medium: Medium
    consent: ConsentState
    suppressed: SuppressionReason | None


@dataclass(frozen=True)
class Standing:
    """`media` are those for which the contact has an address."""

    media: list[MediumStanding]
    last_click_at: datetime | None


async def standings(session: AsyncSession, org_id: UUID, contacts: Sequence[Contact]) -> dict[UUID, Standing]:
    asked = [(each.id, medium, address) for each in contacts for medium, address in _addresses(each)]
    hashes = [address and address_hash(org_id, medium, address) for _, medium, address in asked]
    given = {"ids": [each for each, *_ in asked], "media": [medium for _, medium, _ in asked], "hashes": hashes}
    rows = {(row.id, row.medium): row for row in await session.execute(READ, {"org_id": org_id, **given})}
    found = dict[UUID, Standing]()
    for contact_id, medium, address in asked:
        row = rows[contact_id, medium]
        standing = found.setdefault(contact_id, Standing([], row.last_click_at))
        if address:
            reason = SuppressionReason(row.suppressed) if row.suppressed else None
            standing.media.append(MediumStanding(medium, ConsentState(row.consent), reason))
    return found


def _addresses(contact: Contact) -> list[tuple[Medium, str | None]]:
    return [(Medium.SMS, contact.phone), (Medium.EMAIL, contact.email)]

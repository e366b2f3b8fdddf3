"""What stands between a message and its contacts: consent, suppressed addresses, refusals that nobody has judged, and a paused
channel. It is read in the transaction of the claim.

Whoever writes an opt-out locks the contact `FOR UPDATE` first (`models/consent/lock.py`). The claim locks it `FOR KEY SHARE`
before it reads. So an opt-out that has been answered is seen by every later claim, and one that comes during a claim waits for
it.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.channels.channel import Channel
from models.channels.pace import domain_of
from models.consent.suppression import address_hash
from models.inbound.inbound_message import PENDING


class Obstacles(NamedTuple):
    """`consent` is a ConsentState, or None when nothing covers the message. `suppressed` is a SuppressionReason. `held_since` is
    the time of the first answer that looks like a refusal and that nobody has judged. With `paused_at`, the channel is paused
    since then, and an `archived` one sends nothing any more. The recipient's domain has asked us to leave it alone until
    `slow_until`. With `erased`, the person was erased meanwhile. `consent_id` and `suppression_id` are the rows that say so."""

    consent: str | None = None
    suppressed: str | None = None
    held_since: datetime | None = None
    paused_at: datetime | None = None
    slow_until: datetime | None = None
    archived: bool = False
    erased: bool = False
    consent_id: UUID | None = None
    suppression_id: UUID | None = None


LOCK = text("SELECT FROM contact WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR KEY SHARE")
READ = text(f"""
SELECT given.id, given_consent.state, suppressed.reason,
       (SELECT min(received_at) FROM inbound_message WHERE contact_id = given.id AND {PENDING}),
       channel.paused_at,
       (SELECT slow_until FROM channel_pace WHERE channel_pace.channel_id = channel.id AND domain = given.domain),
       channel.archived_at IS NOT NULL,
       (SELECT erased_at IS NOT NULL FROM contact WHERE contact.id = given.id),
       given_consent.id, suppressed.id
  FROM unnest(CAST(:ids AS uuid[]), CAST(:hashes AS bytea[]), CAST(:domains AS text[])) AS given (id, address_hash, domain)
 CROSS JOIN channel
  LEFT JOIN LATERAL (
       SELECT state, consent.id FROM consent
         WHERE contact_id = given.id AND (medium IS NULL OR medium = :medium)
           AND (consent.channel_id IS NULL OR consent.channel_id = :channel_id)
           AND (message_kind IS NULL OR message_kind = :message_kind)
         ORDER BY given_at DESC, consent.id DESC LIMIT 1) AS given_consent ON true
  LEFT JOIN LATERAL (
       SELECT reason, suppression.id FROM suppression
         WHERE org_id = :org_id AND suppression.address_hash = given.address_hash AND lifted_at IS NULL
           AND (suppression.channel_id IS NULL OR suppression.channel_id = :channel_id)
           AND (message_kind IS NULL OR message_kind = :message_kind)
         ORDER BY suppression.id LIMIT 1) AS suppressed ON true
 WHERE channel.id = :channel_id
""")  # noqa: S608 - a condition of ours


async def lock(session: AsyncSession, contact_ids: Iterable[UUID]) -> None:
    """Until the transaction ends, nobody opts these contacts out.

    Whoever locks messages too does so after this, because an erasure and a report lock the person first.

    A turn locks its enrollment before this, as every move of an enrollment does, whose event refers to the contact. Whoever opts
    people out respects this order (`models/consent/lock.py`).
    """
    await session.execute(LOCK, {"ids": list(contact_ids)})


async def read(
    session: AsyncSession, channel: Channel, message_kind: str, addresses: Mapping[UUID, str | None]
) -> dict[UUID, Obstacles]:
    """Reads what stands in the way of contacts that are locked, in a statement of its own: one that locks and reads would see
    what was there before it had the lock.

    `addresses` are the contacts with the address to which the message would go, or None. Each contact is in the result.
    """
    if not addresses:
        return {}
    ids = list(addresses)
    hashes = [address_hash(channel.org_id, channel.medium, address) if address else None for address in addresses.values()]
    domains = [domain_of(address or "") for address in addresses.values()]
    about = {"org_id": channel.org_id, "channel_id": channel.id, "medium": channel.medium, "message_kind": message_kind}
    rows = await session.execute(READ, {**about, "ids": ids, "hashes": hashes, "domains": domains})
    return {row[0]: Obstacles(*row[1:]) for row in rows}

"""What follows from a report for others: an address is suppressed, an opt-out is recorded, or the channel pauses.

It is written in the transaction of the report, and only for a report that is new. So an address that somebody has allowed again
is not suppressed by the same bounce once more.
"""

from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.channels.channel import Channel, find_channel
from models.consent.consent import ConsentSource, ConsentState
from models.consent.lock import lock_people, people_at
from models.consent.suppression import SuppressionReason, address_hash
from models.messages.report import MessageReport, ReportedMessage, ReportKind, count_soft_bounces
from models.organizations.organization import Organization
from services.channels.base import Fault
from services.channels.pause import pause_channel
from services.channels.refused_by_many import refused_by_many
from services.consent.opt_out import record_consent, scope_of
from services.consent.suppress import suppress

SOFT_BOUNCES = 5
WITHIN = timedelta(days=30)
"""So many messages that bounce softly within this time suppress their address."""


def fault_of(kind: ReportKind, fault: Fault | None, *, soft: bool) -> Fault:
    """Returns what a report blames, also one that does not say it: a bounce that is not soft blames the address."""
    if fault is not None:
        return fault
    return Fault.ADDRESS if kind == ReportKind.BOUNCED and not soft else Fault.MESSAGE


class Consequences:
    """What follows from one report of this message. `command_ids` are to be delivered after the commit."""

    def __init__(self, session: AsyncSession, message: ReportedMessage, channel: Channel, fault: Fault, *, soft: bool) -> None:
        self._session = session
        self._message = message
        self._channel = channel
        self._fault = fault
        self._soft = soft
        self.command_ids: list[UUID] = []

    async def lock(self, kind: ReportKind) -> None:
        """Locks the people whom it may concern, which has to happen before the message is locked."""
        if kind != ReportKind.COMPLAINED and self._fault not in {Fault.ADDRESS, Fault.OPTED_OUT} and not self._soft:
            return
        people, address = [self._message.contact_id], self._message.to_address
        if address is not None:
            people += await people_at(self._session, self._channel.org_id, self._channel.medium, address)
        await lock_people(self._session, self._channel.org_id, people)

    def soft_hash(self) -> bytes | None:
        """Returns what the report of a soft bounce is counted by."""
        address = self._message.to_address
        if not self._soft or address is None:
            return None
        return address_hash(self._channel.org_id, self._channel.medium, address)

    async def act(self, report: MessageReport) -> None:
        """Does what follows from a report that has just been written for the first time."""
        if report.kind == ReportKind.COMPLAINED:
            await self._suppress(report, SuppressionReason.COMPLAINT)
            await self._opt_out(report, ConsentSource.COMPLAINT)
        elif self._fault == Fault.CHANNEL or (self._fault == Fault.POLICY and await self._is_refused_by_many()):
            await pause_channel(self._session, self._channel.id, _reason(report))
        elif self._fault == Fault.OPTED_OUT:
            await self._opt_out(report, ConsentSource.PROVIDER)
        elif self._fault == Fault.ADDRESS and not self._soft:
            bounced = report.kind == ReportKind.BOUNCED
            await self._suppress(report, SuppressionReason.BOUNCE if bounced else SuppressionReason.PROVIDER)
        elif report.address_hash is not None:
            await self._count_soft(report, report.address_hash)

    async def _is_refused_by_many(self) -> bool:
        """An erased person's address is gone, and their bounce counts for nothing."""
        address = self._message.to_address
        return address is not None and await refused_by_many(self._session, self._channel, address)

    async def _count_soft(self, report: MessageReport, hashed: bytes) -> None:
        if await count_soft_bounces(self._session, self._channel.org_id, hashed, WITHIN) >= SOFT_BOUNCES:
            await self._suppress(report, SuppressionReason.BOUNCE)

    async def _suppress(self, report: MessageReport, reason: SuppressionReason) -> None:
        """An erased person's address is gone; what suppresses it stays."""
        address = self._message.to_address
        if address is not None:
            await suppress(
                self._session,
                self._channel.org_id,
                self._channel.medium,
                address,
                reason,
                detail=report.code,
                message_id=self._message.id,
                contact_id=self._message.contact_id,
            )

    async def _opt_out(self, report: MessageReport, source: ConsentSource) -> None:
        organization = await self._session.get_one(Organization, self._channel.org_id)
        self.command_ids += await record_consent(
            self._session,
            self._channel.org_id,
            [self._message.contact_id],
            ConsentState.OPTED_OUT,
            scope_of(organization, self._channel),
            source,
            proof={"message_id": str(self._message.id), "report_id": str(report.id), "code": report.code},
        )


async def consequences(
    session: AsyncSession, message: ReportedMessage, channel_id: UUID, kind: ReportKind, fault: Fault | None, *, soft: bool
) -> Consequences:
    channel = await find_channel(session, channel_id)
    return Consequences(session, message, channel, fault_of(kind, fault, soft=soft), soft=soft)


def _reason(report: MessageReport) -> str:
    code, words = f" ({report.code})" if report.code else "", f": {report.detail}" if report.detail else "."
    return f"A report says that messages of this channel are refused{code}{words} Correct what is wrong, and resume the channel."

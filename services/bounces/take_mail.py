"""Takes a mail that came to an address for bounces, by whatever way, and does what it says. It is committed when this returns."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from enum import StrEnum
from uuid import NAMESPACE_OID, UUID, uuid5

from prometheus_client.core import Metric

from models.database import Database
from models.messages.report import MailedMessage, find_mailed
from services.bounces.read_mail import ReadMail, Told, read_mail
from services.commands.deliver import CommandDelivery
from services.commands.tell import tell
from services.consent.unsubscribe import Unsubscribe, unsubscribe
from services.process.meters import counter
from services.provider_reports.apply import Report, apply_reports
from tracking.tokens.verp import MessageAddresses


class MailOutcome(StrEnum):
    """What became of a mail. One that is `repeated` was taken before, and one that is `ignored` reports nothing of ours."""

    REPORTED = "reported"
    UNSUBSCRIBED = "unsubscribed"
    REPEATED = "repeated"
    IGNORED = "ignored"


class MailTaker:
    def __init__(self, database: Database, addresses: MessageAddresses, commands: CommandDelivery | None = None) -> None:
        """With `commands` None, the worker's sweeper tells the enrollments that have to stop."""
        self._database = database
        self._addresses = addresses
        self._commands = commands
        self.outcomes: Counter[tuple[str, ...]] = Counter()

    def read(self) -> Iterator[Metric]:
        about = "Mails that came to addresses for bounces, by what became of them."
        yield counter("linkwake_bounce_mails", about, ["outcome"], self.outcomes)

    async def take(self, raw: bytes, recipients: Sequence[str] = (), channel_id: UUID | None = None) -> MailOutcome:
        """`recipients` are those of the envelope. With `channel_id`, only mails about messages of this channel count. It raises
        when PostgreSQL is away, so that whoever brought the mail keeps it."""
        mail = await asyncio.to_thread(read_mail, raw, recipients, self._addresses)
        outcome = await self._act(mail, channel_id) if mail is not None else MailOutcome.IGNORED
        self.outcomes[outcome.value,] += 1
        return outcome

    async def _act(self, mail: ReadMail, channel_id: UUID | None) -> MailOutcome:
        async with self._database.statement() as session:
            message = await find_mailed(session, mail.message_id)
        if message is None or channel_id not in {None, message.channel_id}:
            return MailOutcome.IGNORED
        if mail.told is None:
            return await self._unsubscribe(mail, message)
        new = await apply_reports(self._database, [_report(mail, mail.told, message)], self._commands)
        return MailOutcome.REPORTED if new else MailOutcome.REPEATED

    async def _unsubscribe(self, mail: ReadMail, message: MailedMessage) -> MailOutcome:
        """Does the same as the link in the message, once for each mail."""
        asked = Unsubscribe(message.content_id, message.recipient_number, uuid5(NAMESPACE_OID, mail.event_key))
        async with self._database.transaction() as session:
            command_ids = await unsubscribe(session, asked)
        await tell(self._commands, command_ids)
        return MailOutcome.UNSUBSCRIBED


def _report(mail: ReadMail, told: Told, message: MailedMessage) -> Report:
    return Report(
        message.org_id,
        message.channel_id,
        told.kind,
        mail.event_key,
        message_id=mail.message_id,
        code=told.code,
        detail=told.detail,
        reported_at=told.at,
        fault=told.blame.fault,
        soft=told.blame.soft,
    )

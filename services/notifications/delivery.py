"""Brings one written notification to one address: a mail by its server, everything else by apprise's requests. Both go through
the one way out."""

from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from uuid import UUID

from models.base import now
from services.mail.connect import MailServer
from services.mail.send_mail import send_mail
from services.notifications.addresses import Judged, judge_address
from services.notifications.apprise import AddressFacts, Apprise, MailFacts, NotSent
from services.notifications.services import service_of
from services.notifications.text import Written
from services.way_out.way_out import WayOut

REFERENCE = "Linkwake-Notification"
"""The header in which a webhook or a mail finds the id of the notification, so that it can drop a repeat."""


class NotificationDelivery:
    """Knows nothing of rows: it gets an address and a text."""

    def __init__(self, way_out: WayOut) -> None:
        self._way_out = way_out
        self._apprise = Apprise(way_out)

    async def judge(self, address: str) -> Judged:
        """Raises Invalid, with the field `address`, for an address that cannot be used."""
        return await judge_address(self._apprise, self._way_out, address)

    async def send(self, address: str, written: Written, reference: UUID) -> None:
        """Raises UnusableAddress, WayOutError or NotSent, whose texts quote neither the address nor the other side."""
        facts = await self._apprise.look(address)
        text = f"{written.text}\n\nReference: {reference}"
        if facts.mail is not None:
            await self._mail(facts, facts.mail, Written(written.title, text), reference)
            return
        service = service_of(facts.scheme)
        title = written.title if service and service.titled else ""
        await self._apprise.send(address, title, text, {REFERENCE: str(reference)})

    async def _mail(self, facts: AddressFacts, mail: MailFacts, written: Written, reference: UUID) -> None:
        if not facts.host or not facts.port:
            raise NotSent("The address names no mail server.")
        message = EmailMessage()
        message["Subject"] = written.title[:200]
        message["From"] = formataddr((mail.sender_name, mail.sender))
        for header, found in (("To", mail.to), ("Cc", mail.cc), ("Reply-To", mail.reply_to)):
            if found:
                message[header] = ", ".join(found)
        message["Date"] = format_datetime(now())
        message["Message-ID"] = f"<{reference}@{mail.sender.rpartition('@')[2]}>"
        message[REFERENCE] = str(reference)
        message.set_content(written.text)
        server = MailServer(facts.host, facts.port, mail.security, mail.user, mail.password)
        await send_mail(self._way_out, server, message, [*mail.to, *mail.cc, *mail.bcc])

    async def close(self) -> None:
        await self._apprise.close()

"""Sends one mail by somebody else's mail server, over a connection of its own."""

import asyncio
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP

import aiosmtplib

from services.mail.connect import MailServer, connect
from services.mail.transaction import ConnectionLost, Envelope, Refused, Unanswered, deliver, spoken
from services.way_out.errors import WayOutError
from services.way_out.way_out import WayOut

SECONDS = 30.0
"""How long a mail may take, from the look-up of the name to the server's last answer."""


async def send_mail(way_out: WayOut, server: MailServer, message: EmailMessage, recipients: list[str]) -> None:
    """Raises WayOutError. A mail that only some of the recipients can get counts as sent."""
    envelope = Envelope(str(message["From"].addresses[0].addr_spec), recipients)
    try:
        async with asyncio.timeout(SECONDS):
            client = await connect(way_out, server)
            try:
                await deliver(client, envelope, message.as_bytes(policy=SMTP))
                with suppress(aiosmtplib.SMTPException, OSError):
                    await client.quit()
            finally:
                client.close()
    except TimeoutError:
        raise WayOutError(f"The mail server did not answer within {SECONDS:g} s.") from None
    except Refused as refused:
        raise WayOutError(f"The mail server answered {spoken(refused.code, refused.enhanced)}.") from None
    except (ConnectionLost, Unanswered) as error:
        raise WayOutError(str(error)) from None
    except ValueError:
        raise WayOutError("The mail has an address that cannot be sent to.") from None

"""Sends one mail by somebody else's mail server, over a connection that `services/way_out/way_out.py` has checked."""

import asyncio
import socket
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Literal

import aiosmtplib

from services.way_out.errors import WayOutError
from services.way_out.way_out import WayOut

SECONDS = 30.0
"""How long a mail may take, from the look-up of the name to the server's last answer."""

Security = Literal["ssl", "starttls", "insecure"]


@dataclass(frozen=True)
class MailServer:
    """`insecure` is possible in development only."""

    host: str
    port: int
    security: Security
    user: str | None = None
    password: str | None = None


async def send_mail(way_out: WayOut, server: MailServer, message: EmailMessage, recipients: list[str]) -> None:
    """Raises RefusedAddress or WayOutError. A mail that only some of the recipients can get counts as sent."""
    try:
        async with asyncio.timeout(SECONDS):
            connection = await way_out.connect(server.host, server.port, secure=server.security != "insecure")
            await _deliver(way_out, connection, server, message, recipients)
    except TimeoutError:
        raise WayOutError(f"The mail server did not answer within {SECONDS:g} s.") from None
    except aiosmtplib.SMTPAuthenticationError:
        raise WayOutError("The mail server does not accept the user name and the password.") from None
    except aiosmtplib.SMTPResponseException as error:
        raise WayOutError(f"The mail server answered {error.code}.") from None
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        raise WayOutError(f"The mail server did not take the mail ({type(error).__name__}).") from None


async def _deliver(
    way_out: WayOut, connection: socket.socket, server: MailServer, message: EmailMessage, recipients: list[str]
) -> None:
    client = aiosmtplib.SMTP(
        hostname=server.host,
        sock=connection,
        use_tls=server.security == "ssl",
        start_tls=server.security == "starttls",
        tls_context=way_out.tls,
        timeout=SECONDS,
        local_hostname="linkwake",
    )
    try:
        await client.connect()
        if server.user and server.password:
            await client.login(server.user, server.password)
        await client.send_message(message, recipients=recipients)
    finally:
        client.close()  # and so the connection, which the client's transport owns

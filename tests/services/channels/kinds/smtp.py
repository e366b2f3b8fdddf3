"""A mail server with TLS and a log-in."""

import ssl
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from models.channels.channel import Medium
from models.database import Database
from tests.certificates import client_side, make_certificate
from tests.dkim_keys import RSA_KEY
from tests.mail_server import PASSWORD, USER, PostOffice, post_office
from tests.services.channels.kinds.base import Behaviour, Received, StandIn

ANSWERS = {
    Behaviour.REFUSES_FOR_GOOD: {"END": "554 5.6.0 ada@example.com cannot get this"},
    Behaviour.REFUSES_FOR_NOW: {"RCPT": "450 4.2.1 ada@example.com is busy"},
    Behaviour.REFUSES_THE_ADDRESS: {"RCPT": "550 5.1.1 ada@example.com is unknown"},
    Behaviour.REFUSES_US: {"MAIL": "550 5.7.1 you may not send"},
}


class SmtpStandIn:
    to_address = "ada@example.com"
    secrets: Sequence[str] = (PASSWORD, RSA_KEY)
    behaviours = frozenset(Behaviour)

    def __init__(self, office: PostOffice, certificate: Path) -> None:
        self.tls: ssl.SSLContext | None = client_side(certificate)
        self.config: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": office.port,
            "security": "tls",
            "user": USER,
            "password": PASSWORD,
            "from_address": "shop@example.com",
            "dkim_rsa_selector": "linkwake",
            "dkim_rsa_key": RSA_KEY,
        }
        self._office = office

    async def behave(self, how: Behaviour) -> None:
        self._office.answers = ANSWERS.get(how, {})
        self._office.breaks_at = "END" if how == Behaviour.LOSES_THE_ANSWER else None
        if how == Behaviour.IS_AWAY:
            await self._office.close()
        else:
            await self._office.listen()

    async def received(self, _channel_id: UUID) -> Sequence[Received]:
        return [Received(mail.recipients[0], mail.text()) for mail in self._office.mails]


@asynccontextmanager
async def running(_database: Database, _medium: Medium) -> AsyncIterator[StandIn]:
    with tempfile.TemporaryDirectory() as directory:
        certificate = make_certificate(Path(directory) / "server.pem", "127.0.0.1")
        async with post_office(certificate, "tls", log_in=True) as office:
            yield SmtpStandIn(office, certificate)

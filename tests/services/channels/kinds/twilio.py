"""A stand-in for Twilio's API, whose requests the `twilio` package would have made as well."""

import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from drills.providers.twilio_stand_in import ACCOUNT_SID, NUMBER, Trouble, TwilioSettings, TwilioStandIn
from models.channels.channel import Medium
from models.database import Database
from tests.services.channels.kinds.base import Behaviour, Received, StandIn

AUTH_TOKEN = "the-auth-token-of-the-account"
TROUBLES = {
    Behaviour.REFUSES_FOR_NOW: Trouble.TOO_MANY_REQUESTS,
    Behaviour.LOSES_THE_ANSWER: Trouble.BREAKS_AFTER,
}
REFUSALS = {
    Behaviour.REFUSES_FOR_GOOD: 21612,
    Behaviour.REFUSES_THE_ADDRESS: 21614,
}


class TwilioKind:
    to_address = "+4915112345678"
    secrets: Sequence[str] = (AUTH_TOKEN,)
    behaviours = frozenset(Behaviour)
    tls: ssl.SSLContext | None = None

    def __init__(self, stand_in: TwilioStandIn, api_url: str) -> None:
        self._stand_in = stand_in
        self.config: dict[str, Any] = {
            "account_sid": ACCOUNT_SID,
            "auth_token": AUTH_TOKEN,
            "from_address": NUMBER,
            "api_url": api_url,
        }

    async def behave(self, how: Behaviour) -> None:
        await self._stand_in.stop()
        settings = self._stand_in.settings
        settings.auth_token = "another" if how == Behaviour.REFUSES_US else AUTH_TOKEN
        settings.troubles = {TROUBLES[how]: 1.0} if how in TROUBLES else {}
        self._stand_in.refusals = {self.to_address: REFUSALS[how]} if how in REFUSALS else {}
        if how != Behaviour.IS_AWAY:
            await self._stand_in.start()

    async def received(self, channel_id: UUID) -> Sequence[Received]:
        return [Received(each.to, each.body) for each in self._stand_in.taken.values()]


@asynccontextmanager
async def running(database: Database, medium: Medium) -> AsyncIterator[StandIn]:
    stand_in = TwilioStandIn(TwilioSettings(auth_token=AUTH_TOKEN))
    try:
        yield TwilioKind(stand_in, await stand_in.start())
    finally:
        await stand_in.close()

"""A Twilio channel and the stand-in to which it sends."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from drills.providers.twilio_stand_in import ACCOUNT_SID, NUMBER, TwilioSettings, TwilioStandIn
from models.base import new_id
from models.channels.channel import Medium
from models.database import Database
from services.channels.base import Configured, Outgoing, Outside
from services.channels.twilio.channel import Twilio
from services.channels.twilio.config import TwilioConfig
from services.way_out.way_out import WayOut
from settings import Settings
from tests.services.channels.twilio.library import AUTH_TOKEN

TO = "+4915112345678"


class Provider:
    """The stand-in, and channels that send to it."""

    def __init__(self, stand_in: TwilioStandIn, api_url: str, database: Database, settings: Settings) -> None:
        self.stand_in = stand_in
        self.api_url = api_url
        self.settings = settings.model_copy(update={"callback_url": "https://hooks.example.com"})
        self._database = database
        self.id = new_id()

    def channel(self, local: bool = True, **changes: Any) -> Twilio:
        values = {
            "account_sid": ACCOUNT_SID,
            "auth_token": AUTH_TOKEN,
            "from_address": NUMBER,
            "api_url": self.api_url,
            **changes,
        }
        config = TwilioConfig.model_validate({name: value for name, value in values.items() if value is not None})
        configured = Configured(self.id, new_id(), "phones", Medium.SMS, config)
        return Twilio(configured, Outside(self._database, WayOut(local=local), self.settings))

    def message(self, body: str = "Hello Ada: https://l.test/abc", **changes: Any) -> Outgoing:
        return Outgoing(new_id(), self.id, TO, None, body, **changes)

    @property
    def request(self) -> dict[str, str]:
        """The form of the newest request for a message."""
        return self.stand_in.requests[-1]


@pytest.fixture
async def twilio(database: Database, settings: Settings) -> AsyncIterator[Provider]:
    stand_in = TwilioStandIn(TwilioSettings(auth_token=AUTH_TOKEN))
    yield Provider(stand_in, await stand_in.start(), database, settings)
    await stand_in.close()

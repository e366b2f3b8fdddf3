"""A channel of Twilio's, the stand-in that calls us back, and messages that it has taken."""

from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from api.handling.services import Services
from drills.providers.twilio_stand_in import ACCOUNT_SID, NUMBER, TwilioSettings, TwilioStandIn
from models.channels.channel import Channel, ChannelKind, channels_by_name
from models.database import Database
from models.messages.message import Message
from models.organizations.organization import Organization
from services.channels.base import Outside
from services.channels.configure import read_config, write_config
from services.channels.twilio.channel import Twilio
from services.channels.twilio.config import TwilioConfig
from services.way_out.way_out import WayOut
from tests.builders import Caller
from tests.sending import Sending
from tests.services.channels.twilio.library import AUTH_TOKEN

ADA = "+4915112345678"
ACCOUNT = {"account_sid": ACCOUNT_SID, "auth_token": AUTH_TOKEN, "from_address": NUMBER}


class TwilioLine:
    """The channel that the API knows as `simulator-sms` is Twilio's here, and sends to the stand-in."""

    def __init__(self, stand_in: TwilioStandIn, row: Channel, sending: Sending, client: httpx.AsyncClient) -> None:
        self.stand_in = stand_in
        self.row = row
        self.sending = sending
        self.client = client

    @property
    def id(self) -> UUID:
        return self.row.id

    async def sent(self, phone: str = ADA) -> Message:
        """Sends a message to a new contact and returns its row, before Twilio has reported anything."""
        (contact,) = await self.sending.contacts(phone=phone)
        campaign = await self.sending.campaign("Hello", {"tags": [], "contact_ids": [str(contact.id)]})
        await self.sending.send_page(campaign)
        return next(each for each in await self.sending.messages() if each.campaign_id == campaign.id)

    async def reported(self, message: Message) -> Message:
        """Returns the message as it is now, once everything has been reported."""
        await self.stand_in.finish()
        return next(each for each in await self.sending.messages() if each.id == message.id)

    def address(self, rest: str) -> str:
        return f"http://127.0.0.1:8000/callbacks/{self.id}/twilio/{rest}"

    async def post(self, rest: str, form: dict[str, str], signature: str | None = None) -> httpx.Response:
        """Calls us as Twilio does, with another signature if one is given."""
        signed = self.stand_in.callbacks.sign(self.address(rest), form)
        return await self.client.post(
            self.address(rest), data=form, headers={"X-Twilio-Signature": signed if signature is None else signature}
        )


@pytest.fixture
async def twilio(
    api: Caller, api_app: FastAPI, services: Services, database: Database, organization: tuple[Organization, str]
) -> AsyncIterator[TwilioLine]:
    """`api` is there so that the application has its services."""
    transport = httpx.ASGITransport(api_app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport) as client:
        stand_in = TwilioStandIn(TwilioSettings(auth_token=AUTH_TOKEN), client)
        config = TwilioConfig.model_validate({**ACCOUNT, "api_url": await stand_in.start()})
        async with database.transaction() as session:
            row = (await channels_by_name(session, organization[0].id))["simulator-sms"]
            row.kind = ChannelKind.TWILIO
            write_config(row, config, services.secrets)
        outside = Outside(database, WayOut(local=True), services.settings)
        channel = Twilio(read_config(row, services.secrets), outside)
        stand_in.settings.webhook = f"http://127.0.0.1:8000/callbacks/{row.id}/twilio/inbound"
        yield TwilioLine(stand_in, row, Sending(database, organization[0], channel), client)
        await stand_in.close()

"""Twilio's own library, which holds our requests and our stand-in against what Twilio publishes."""

from typing import Any

from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from drills.providers.twilio_stand_in import ACCOUNT_SID

AUTH_TOKEN = "the-auth-token-of-the-account"


class _ToStandIn(TwilioHttpClient):  # type: ignore[misc]
    def __init__(self, api_url: str) -> None:
        super().__init__(pool_connections=False)
        self._api_url = api_url

    def request(self, method: str, url: str, *given: Any, **more: Any) -> Response:
        return super().request(method, url.replace("https://api.twilio.com", self._api_url), *given, **more)


def library(api_url: str) -> Client:
    """The library as a customer uses it, apart from the host. It blocks: call it in a thread."""
    return Client(ACCOUNT_SID, AUTH_TOKEN, http_client=_ToStandIn(api_url))

"""The settings of a Twilio channel."""

import re
from collections.abc import Sequence
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, StringConstraints, model_validator

from services.channels.base import Config, Host

API = "https://api.twilio.com"

_PHONE = re.compile(r"\+[1-9]\d{6,14}")
_SHORT_CODE = re.compile(r"\d{3,8}")
_NAME = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 +\-_&]{1,11}")


def _is_sender(text: str) -> str:
    if _PHONE.fullmatch(text) or _SHORT_CODE.fullmatch(text) or _NAME.fullmatch(text):
        return text
    raise ValueError(
        "write a number such as +4915112345678, a short code such as 72345, or a name of at most 11 letters and digits"
    )


def _is_api(text: str) -> str:
    parts = urlsplit(text)
    host = parts.hostname or ""
    of_twilio = parts.scheme == "https" and parts.netloc == host and host.startswith("api.") and host.endswith(".twilio.com")
    of_this_machine = parts.scheme == "http" and host in {"127.0.0.1", "localhost"}
    if (of_twilio or of_this_machine) and not (parts.path or parts.query or parts.fragment or "@" in text):
        return text
    raise ValueError(f"write {API}, or the address of a region such as https://api.dublin.ie1.twilio.com")


def _sid(prefix: str) -> StringConstraints:
    return StringConstraints(pattern=rf"^{prefix}[0-9a-fA-F]{{32}}$")


class TwilioConfig(Config):
    """Either `from_address` or `messaging_service_sid` says who sends."""

    account_sid: Annotated[str, _sid("AC")] = Field(description="The account, AC and 32 hexadecimal digits.")
    auth_token: SecretStr = Field(
        description="The account's auth token. It proves that reports and inbound messages come from Twilio, and sends when "
        "there is no API key.",
        min_length=1,
        max_length=200,
    )
    api_key_sid: Annotated[str, _sid("SK")] | None = Field(None, description="An API key that sends, instead of the auth token.")
    api_key_secret: SecretStr | None = Field(None, description="The API key's secret.", min_length=1, max_length=200)
    from_address: Annotated[str, AfterValidator(_is_sender)] | None = Field(
        None, description="A number in E.164, a short code, or a name of at most 11 letters and digits."
    )
    messaging_service_sid: Annotated[str, _sid("MG")] | None = Field(None, description="A Messaging Service, which has senders.")
    api_url: Annotated[str, AfterValidator(_is_api)] = Field(
        API, description="The API, or that of a region. In development, a stand-in on this machine."
    )

    @model_validator(mode="after")
    def _has_one_sender(self) -> Self:
        if (self.from_address is None) == (self.messaging_service_sid is None):
            raise ValueError("give either from_address or messaging_service_sid")
        if (self.api_key_sid is None) != (self.api_key_secret is None):
            raise ValueError("give api_key_sid and api_key_secret together, or neither of them")
        return self

    def hosts(self) -> Sequence[Host]:
        parts = urlsplit(self.api_url)
        return (Host("api_url", parts.hostname or "", parts.port or 443, secure=parts.scheme == "https"),)

    @property
    def credentials(self) -> tuple[str, str]:
        """User name and password of the API."""
        if self.api_key_sid is not None and self.api_key_secret is not None:
            return self.api_key_sid, self.api_key_secret.get_secret_value()
        return self.account_sid, self.auth_token.get_secret_value()

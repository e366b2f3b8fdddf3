"""Settings of what goes out to teams and their tools, and of the secrets that this needs."""

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, Field, SecretStr, field_validator

from setting_groups.links import base_address
from setting_groups.readers import HOUR, SECOND, check_keys, duration


class OutsideSettings(BaseModel):
    """Notifications of teams, and secrets at rest."""

    secret_keys: SecretStr | None = Field(
        None,
        description="AES-256 keys of stored secrets, 64 hexadecimal digits each, comma separated; the first one encrypts, all "
        "decrypt. Empty: made once and kept in VAR_DIR. Losing them means that all secrets have to be entered again.",
    )
    allow_local_addresses: bool = Field(
        False,
        description="Development only: channels and notifications may reach this machine itself, and go out without encryption.",
    )
    notification_interval: Annotated[timedelta, duration(SECOND, HOUR, "from 1 second to 1 hour")] = Field(
        timedelta(minutes=1),
        description="The least time between two notifications of one target (seconds or ISO 8601); what comes in between is sent "
        "together.",
    )
    api_url: str | None = Field(
        None, description="Public base address of the API and the console, for links to pages; empty: those on this machine."
    )

    @field_validator("secret_keys")
    @classmethod
    def _secret_keys_are_hex(cls, value: SecretStr | None) -> SecretStr | None:
        return check_keys(value)

    callback_url: str | None = Field(
        None,
        description="Public base address under which providers reach the API, for status reports and inbound messages; empty: "
        "API_URL.",
    )

    @field_validator("api_url", "callback_url")
    @classmethod
    def _is_an_origin(cls, value: str | None) -> str | None:
        return None if value is None else base_address(value)

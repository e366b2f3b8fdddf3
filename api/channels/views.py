"""How the API shows a channel: never with a secret."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from models.channels.channel import Channel, ChannelKind, Medium
from services.channels.configure import read_secrets
from services.secrets.secrets import Secrets, Undecipherable


class ChannelView(BaseModel):
    """`secrets` names those that are set. While `paused_at` is set, messages wait; `pause_reason` says what to correct."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str = Field(examples=["simulator-sms"])
    kind: ChannelKind
    medium: Medium
    config: dict[str, Any] = Field(description="The settings of its kind, without secrets.")
    secrets: list[str] = Field(description="The secrets that are set, and can be read with the SECRET_KEYS of this server.")
    paused_at: datetime | None
    pause_reason: str | None
    tested_at: datetime | None = Field(description="When it was tested last.")
    test_error: str | None = Field(description="What that test has found, as step and sentence; null: everything went well.")
    archived_at: datetime | None = Field(description="Since then it sends nothing, and nothing new can name it.")
    created_at: datetime
    updated_at: datetime = Field(description="The last change of its settings.")


class StepView(BaseModel):
    """One step of a test. `error` says what to change; the steps behind it were not tried."""

    model_config = ConfigDict(from_attributes=True)

    name: str = Field(examples=["log_in"])
    ok: bool
    detail: str | None
    error: str | None


class ChannelTested(BaseModel):
    """`ok` says that every step went well, so the message is on its way."""

    ok: bool
    steps: list[StepView]


class CheckView(BaseModel):
    """One finding. `publish` is what to publish, such as a DNS record."""

    model_config = ConfigDict(from_attributes=True)

    name: str = Field(examples=["spf"])
    ok: bool
    detail: str
    publish: str | None


class ChannelChecked(BaseModel):
    """`ok` says that nothing has to be corrected. A kind of which nothing can be seen from outside has no checks."""

    ok: bool
    checks: list[CheckView]


def channel_view(row: Channel, secrets: Secrets) -> ChannelView:
    try:
        named = sorted(read_secrets(row, secrets))
    except Undecipherable:
        named = []
    return ChannelView.model_validate({**vars(row), "secrets": named})

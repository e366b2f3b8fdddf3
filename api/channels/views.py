"""How the API shows a channel: never with a secret."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from models.channels.channel import Channel, ChannelKind, Medium
from models.channels.work import ChannelWork
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


class FailureView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    message_id: UUID
    reason: str | None = Field(examples=["5.7.1 sender refused"])
    created_at: datetime


class ChannelWorkView(BaseModel):
    """What waits for the channel and what has failed by it. 100,000 and more count as 100,000."""

    model_config = ConfigDict(from_attributes=True)

    waiting_enrollments: int = Field(description="Enrollments whose next message waits because the channel is paused.")
    waiting_messages: int = Field(description="Messages that are written and were refused for now, or held back.")
    failed: int = Field(description="Messages of the last 24 hours that have failed.")
    failures: list[FailureView] = Field(description="The newest five of them.")


class ChannelDetail(ChannelView):
    """One channel, with its work."""

    work: ChannelWorkView


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


def channel_detail(row: Channel, secrets: Secrets, work: ChannelWork) -> ChannelDetail:
    return ChannelDetail(**channel_view(row, secrets).model_dump(), work=ChannelWorkView.model_validate(work))


def channel_view(row: Channel, secrets: Secrets) -> ChannelView:
    try:
        named = sorted(read_secrets(row, secrets))
    except Undecipherable:
        named = []
    return ChannelView.model_validate({**vars(row), "secrets": named})

"""What a channel is: something that takes one message and says what became of it.

A new kind of channel is one file (or folder) beside this one, a line in `registry.py`, and a `ChannelKind`. The contract test
(`tests/services/channels/test_contract.py`) then runs it without further work.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Protocol
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from models.channels.channel import ChannelKind, Medium
from models.database import Database
from models.errors import FieldError
from models.messages.message import MessageKind
from models.texts.text import storable
from services.judging.judge import Judge
from services.pacing.pace import Pace
from services.way_out.way_out import WayOut
from settings import Settings


@dataclass(frozen=True)
class Outgoing:
    """A message that is ready to go: rendered, with its links as the contact will see them.

    `html` is the HTML part of an e-mail, beside its text. `unsubscribe_url` acts by a POST and shows a page by a GET. The
    provider must not deliver the message after `late_after`, as far as it can be told so. `source` is what the message belongs
    to: the id of its campaign, sequence or trigger.
    """

    message_id: UUID
    channel_id: UUID
    to_address: str
    subject: str | None
    body: str
    html: str | None = None
    org_id: UUID | None = None
    message_kind: MessageKind = MessageKind.MARKETING
    unsubscribe_url: str | None = None
    late_after: datetime | None = None
    source: UUID | None = None


@dataclass(frozen=True)
class Receipt:
    """The provider has taken the message; `provider_id` is its name for it. `units` is what the provider counts, such as the
    segments of an SMS; None when it counts messages."""

    provider_id: str
    units: int | None = None


class Fault(StrEnum):
    """Whose fault a refusal is, which decides what follows from it beside the message's own result.

    - `message`: nobody's but this message's, such as one that was filtered. Nothing follows.
    - `address`: the address can never get anything. It is suppressed.
    - `opted_out`: the provider says that the person has opted out there. It becomes the person's consent.
    - `channel`: ours to correct, such as a wrong password. The channel pauses with this reason, and the message waits.
    - `policy`: the recipient's server refuses the sender by a policy of its own. The channel pauses when several recipients do.
    - `domain`: the recipient's domain wants fewer messages. It slows down, and the message waits.
    """

    MESSAGE = "message"
    ADDRESS = "address"
    OPTED_OUT = "opted_out"
    CHANNEL = "channel"
    POLICY = "policy"
    DOMAIN = "domain"


class ChannelError(Exception):
    """A definite refusal: the message was not sent. `permanent` means that trying again will not help.

    `retry_after` is how long the provider asks us to wait; at most an hour of it is respected. `code` is the provider's own.
    `unreachable` says that the provider has not been asked, because no connection to it could be made. When that goes on for
    some minutes, the channel pauses (`failure_watch.py`).
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool,
        retry_after: timedelta | None = None,
        fault: Fault = Fault.MESSAGE,
        code: str | None = None,
        unreachable: bool = False,
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after = retry_after
        self.fault = fault
        self.code = code
        self.unreachable = unreachable


class CannotAsk(Exception):
    """This provider cannot be asked what became of a message."""


@dataclass(frozen=True)
class TestStep:
    """One step of a test, such as `connect`, `tls`, `log_in` or `send`. A step that failed has an `error`, which says what to
    change. The steps behind it are not tried."""

    __test__ = False  # it is no test of pytest's

    name: str
    ok: bool
    detail: str | None = None
    error: str | None = None


@dataclass(frozen=True)
class Check:
    """One finding about what others see of a channel, such as its SPF record. `publish` is what to publish, when that helps."""

    name: str
    ok: bool
    detail: str
    publish: str | None = None


class Channel(Protocol):
    """One configured channel. It may keep connections, and is used by many tasks at once."""

    async def send(self, message: Outgoing) -> Receipt:
        """Any exception other than ChannelError means that nobody knows whether the message was sent."""
        ...

    async def find(self, message: Outgoing) -> Receipt | None:
        """Returns what became of a send without an answer, or None when the message never arrived. Raises CannotAsk."""
        ...

    async def test(self, to_address: str) -> Sequence[TestStep]:
        """Sends a message to an address of the caller's, and tells each step up to the first one that fails."""
        ...

    async def check(self) -> Sequence[Check]:
        """Looks at what others see of it. A channel of which nothing can be looked at has no findings."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True)
class Host:
    """A host that a channel connects to, and the field of its settings that names it."""

    field: str
    name: str
    port: int
    secure: bool = True


class Storable(BaseModel):
    """Its texts, also those in lists and mappings, are such that PostgreSQL can keep them."""

    @field_validator("*")
    @classmethod
    def _can_be_stored(cls, value: Any) -> Any:
        _check_storable(value)
        return value


def _check_storable(value: Any) -> None:
    match value:
        case str():
            storable(value)
        case SecretStr():
            storable(value.get_secret_value())
        case Mapping():
            for each in (*value.keys(), *value.values()):
                _check_storable(each)
        case list() | tuple():
            for each in value:
                _check_storable(each)


class Config(Storable):
    """The base of each kind's own settings. A field of type `SecretStr` is encrypted at rest and never shown.

    Each field has a description, which the API's documentation shows, and each error says what to write instead.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pace: Pace | None = Field(None, description="How fast the channel may send; null: as fast as it can.")

    SENT: ClassVar[frozenset[str]] = frozenset()
    """The fields of secrets that the hosts get. Whoever changes a host has to give them again, because the new host sees them."""

    def hosts(self) -> Sequence[Host]:
        """Returns the hosts that somebody else has chosen. One that the way out refuses cannot be saved."""
        return ()


@dataclass(frozen=True)
class Configured:
    """A channel's row, with its settings as they are: secrets included."""

    id: UUID
    org_id: UUID
    name: str
    medium: Medium
    config: Any


@dataclass(frozen=True)
class Outside:
    """What channels share of the process. `way_out` is the only way by which a channel reaches anything."""

    database: Database
    way_out: WayOut
    settings: Settings


@dataclass(frozen=True)
class ChannelType:
    """What `registry.py` says of a kind: `open` makes the channel, which connects by itself when it sends.

    `judge` finds the faults of valid settings that their model cannot find, such as those of a template. It is called when they
    are saved, with the settings and their organization's id, and its errors name the fields as `config.body`. `example` is what a
    caller could write as `config`, for the API's documentation.
    """

    kind: ChannelKind
    media: frozenset[Medium]
    config: type[Config]
    open: Callable[[Configured, Outside], Channel]
    judge: Callable[[Judge, UUID, Any], Awaitable[list[FieldError]]] | None = None
    example: Mapping[str, Any] = field(default_factory=dict)

"""The form of a kind's stand-in: a local server that speaks the provider's protocol, and a channel that sends to it.

Each kind has a file of its name beside this one with one function, which the contract test (`../test_contract.py`) finds by
that name:

    @asynccontextmanager
    async def running(database: Database, medium: Medium) -> AsyncIterator[StandIn]: ...
"""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID


class Behaviour(StrEnum):
    """What the provider does with the messages that come next, until it is told otherwise.

    - `takes`: it takes and confirms them.
    - `refuses_for_good`: it says that this message can never be sent.
    - `refuses_for_now`: it asks us to come again later.
    - `refuses_the_address`: it says that nothing can ever be sent to this address.
    - `refuses_us`: it does not accept our credentials or our sender.
    - `loses_the_answer`: it takes the message, and the connection breaks before it has said so.
    - `is_away`: nothing listens at its address.
    """

    TAKES = "takes"
    REFUSES_FOR_GOOD = "refuses_for_good"
    REFUSES_FOR_NOW = "refuses_for_now"
    REFUSES_THE_ADDRESS = "refuses_the_address"
    REFUSES_US = "refuses_us"
    LOSES_THE_ANSWER = "loses_the_answer"
    IS_AWAY = "is_away"


@dataclass(frozen=True)
class Received:
    """One message that the provider has taken. `text` is its text part, decoded. `message_id` is None where the protocol has no
    place for it."""

    to_address: str
    text: str
    message_id: UUID | None = None


class StandIn(Protocol):
    """`config` is what a caller of the API writes, secrets included. `secrets` are the texts that must not appear anywhere.
    `behaviours` are those that the kind's provider can show at all; `takes` is always one. `tls` trusts the server's
    certificate, and is None where there is none."""

    config: dict[str, Any]
    to_address: str
    secrets: Sequence[str]
    behaviours: frozenset[Behaviour]
    tls: ssl.SSLContext | None

    async def behave(self, how: Behaviour) -> None: ...

    async def received(self, channel_id: UUID) -> Sequence[Received]:
        """Returns what it has taken from this channel, the oldest first."""
        ...

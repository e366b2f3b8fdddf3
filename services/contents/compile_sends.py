"""Compiles all messages that send steps and the actions of triggers send."""

from collections.abc import Iterable, Mapping
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.channels.channel import Channel
from models.errors import FieldError
from models.sequences.steps.message import MessageTemplate, Utm
from models.triggers.placed import PlacedTrigger, notify_texts
from services.contents.compile_content import CompiledMessage
from services.contents.named_channel import named_channel_errors
from services.contents.store_content import medium_errors
from services.contents.unsubscribe_errors import unsubscribe_errors
from services.judging.judge import Judge
from services.judging.judged_texts import compiled_message
from services.link_domains.server_hosts import addresses_in, own_address_errors
from settings import Settings


class SendsMessage(Protocol):
    """A send step, or an action `send` of a trigger."""

    @property
    def channel(self) -> str: ...
    @property
    def message(self) -> MessageTemplate: ...


Sends = Mapping[str, SendsMessage]
"""Whatever sends a message, by its path: `steps[0]`, `triggers[1].actions[2]`."""
Compiled = Mapping[str, CompiledMessage]
"""The messages that could be read, by the same paths."""


async def compile_sends(
    judge: Judge, org_id: UUID, sends: Sends, channels: Mapping[str, Channel], utm: Utm | None, utm_overwrite: bool
) -> tuple[Compiled, list[FieldError]]:
    """Returns the valid messages, and what is wrong with the others and with the channels."""
    compiled: dict[str, CompiledMessage] = {}
    errors: list[FieldError] = []
    for path, send in sends.items():
        errors += channel_errors({path: send}, channels)
        message, wrong = await compiled_message(judge, org_id, send.message, f"{path}.message", utm, utm_overwrite)
        errors += wrong
        if message is not None:
            compiled[path] = message
    return compiled, errors


def channel_errors(sends: Sends, channels: Mapping[str, Channel]) -> Iterable[FieldError]:
    """Refuses channels that there are not or that are archived, messages that their channel cannot send, and marketing e-mails
    without a way to unsubscribe."""
    for path, send in sends.items():
        yield from named_channel_errors(channels, send.channel, f"{path}.channel")
        if send.channel in channels:
            yield from medium_errors(send.message, channels[send.channel], f"{path}.message")
            yield from unsubscribe_errors(send.message, channels[send.channel], f"{path}.message")


async def sent_address_errors(session: AsyncSession, settings: Settings, sends: Sends, compiled: Compiled) -> list[FieldError]:
    """Refuses links that lead back to this server."""
    addresses: list[tuple[str, str | None]] = []
    for path, message in compiled.items():
        addresses += addresses_in(sends[path].message, message.links, f"{path}.message")
    return await own_address_errors(session, settings, addresses)


def size_errors(sends: Sends, triggers: Iterable[PlacedTrigger], limit: int) -> list[FieldError]:
    """Refuses more text than one sequence, or one campaign with its triggers, may have. It is checked first, since it costs
    nothing."""
    texts = [*notify_texts(triggers).values()]
    for send in sends.values():
        message = send.message
        texts += (message.subject or "", message.body or "", message.html or "", *message.links.values())
    size = sum(len(text) for text in texts)
    if size <= limit:
        return []
    field = "steps" if any(path.startswith("steps") for path in sends) else "triggers"
    return [FieldError(field, f"All texts together have {size:,} characters; at most {limit:,} are possible.")]

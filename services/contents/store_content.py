"""Stores a compiled message as the content that is sent, and checks what its channel asks of a message."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.channels.channel import Channel, Medium
from models.errors import FieldError
from models.messages.content import Content, NewLink, add_content
from models.sequences.steps.message import MessageTemplate
from services.contents.compile_content import CompiledMessage
from tracking.links.links import Link


def medium_errors(message: MessageTemplate, channel: Channel, path: str) -> Iterator[FieldError]:
    """An e-mail has a subject. A text message has neither a subject nor HTML."""
    if channel.medium == Medium.EMAIL and message.subject is None:
        yield FieldError(f"{path}.subject", f"An e-mail needs a subject: '{channel.name}' sends e-mail.")
    if channel.medium == Medium.SMS and message.subject is not None:
        yield FieldError(f"{path}.subject", f"A text message has no subject: leave it out, '{channel.name}' sends text messages.")
    if channel.medium == Medium.SMS and message.html is not None:
        yield FieldError(f"{path}.html", f"A text message has no HTML: leave it out, '{channel.name}' sends text messages.")


async def store(
    session: AsyncSession,
    channel: Channel,
    compiled: CompiledMessage,
    wakes: Sequence[int],
    *,
    campaign_id: UUID | None = None,
    sequence_id: UUID | None = None,
    sequence_version_id: UUID | None = None,
    step_key: str | None = None,
    trigger_id: UUID | None = None,
    action_position: int | None = None,
) -> int:
    """Returns the id of the new content."""
    content = Content(
        org_id=channel.org_id,
        channel_id=channel.id,
        campaign_id=campaign_id,
        sequence_id=sequence_id,
        sequence_version_id=sequence_version_id,
        step_key=step_key,
        trigger_id=trigger_id,
        action_position=action_position,
        subject=compiled.subject,
        body=compiled.body,
        html=compiled.html,
        message_kind=compiled.kind,
        valid_for=compiled.valid_for,
        wakes=list(wakes),
    )
    return await add_content(session, content, [_new_link(link) for link in compiled.links])


def _new_link(link: Link) -> NewLink:
    return NewLink(link.position, link.name, link.url, link.written if link.written != link.url else None, link.merge)

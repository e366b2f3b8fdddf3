"""From a content and a contact to a message: address, tracked links, rendered text.

What cannot be sent is composed too, as `skipped` or `failed` with its reason, so that nobody is left out silently.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import structlog

from models.channel import Medium
from models.contact import Contact
from models.content import ContentLink, PersonalLink
from models.ledger import SendFacts
from models.message import Message, MessageState
from models.text import cut, storable
from tracking.destination import DestinationError
from tracking.merge import has_fields, render_destination
from tracking.spelling import AsWritten
from tracking.template import TemplateError, render
from tracking.token import TokenCodec

log = structlog.get_logger()


class UnusableText(Exception):
    """The text came out, but it cannot be kept or is no message."""


class Texts(NamedTuple):
    """What a contact would read."""

    subject: str | None
    body: str
    html: str | None


@dataclass(frozen=True)
class Composed:
    """A message in state planned, skipped or failed, and the rows of its personal links."""

    message: Message
    personal_links: Sequence[PersonalLink] = ()


def contact_fields(contact: Contact) -> dict[str, Any]:
    """What templates may use as `contact`. Documented in docs/templates.md."""
    return {
        "id": str(contact.id),
        "external_id": contact.external_id,
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "email": contact.email,
        "phone": contact.phone,
        "time_zone": contact.time_zone,
        "tags": contact.tags,
        "properties": contact.properties,
    }


def checked(texts: Texts) -> Texts:
    """UnusableText for what merge fields and filters can make of a good template; a line break in the subject is a space."""
    if not texts.body.strip():
        raise UnusableText("the text is empty for this contact")
    try:
        for text in texts:
            storable(text or "")
    except ValueError as error:
        raise UnusableText(str(error)) from error
    return texts if texts.subject is None else texts._replace(subject=" ".join(texts.subject.splitlines()))


class Composer:
    """`link_domain`: where tracked links lead when the organization has no domain of its own."""

    def __init__(self, codec: TokenCodec, link_domain: str) -> None:
        self._codec = codec
        self._link_domain = link_domain

    def compose(self, facts: SendFacts, contact: Contact, ordinal: int, **ledger_key: Any) -> Composed:
        """`ledger_key`: campaign_id, or enrollment_id, sequence_id, step_key and visit."""
        message = Message(
            org_id=facts.organization.id,
            contact_id=contact.id,
            channel_id=facts.channel.id,
            content_id=facts.content_id,
            ordinal=ordinal,
            tracked=facts.tracked,
            to_address=contact.phone if facts.channel.medium == Medium.SMS else contact.email,
            **ledger_key,
        )
        if message.to_address is None:
            message.state = MessageState.SKIPPED
            message.reason = "no_phone" if facts.channel.medium == Medium.SMS else "no_email"
            return Composed(message)
        try:
            return self._render(message, facts, contact)
        except (TemplateError, DestinationError, UnusableText) as error:
            return _failed(message, str(error))
        except Exception as error:  # whatever it is, it concerns this contact and must not stop those beside it
            log.exception("message could not be composed", contact_id=str(contact.id), content_id=facts.content_id)
            return _failed(message, f"the message could not be composed: {type(error).__name__}: {error}")

    def _render(self, message: Message, facts: SendFacts, contact: Contact) -> Composed:
        fields = contact_fields(contact)
        scope = {"name": facts.organization.name}
        personal: list[PersonalLink] = []
        addresses: list[str] = []
        for link in facts.links:
            if not facts.tracked:
                addresses.append(_as_written(link, fields, scope))
                continue
            addresses.append(self._tracked(facts, message, link))
            if link.merge:
                place = {"content_id": link.content_id, "ordinal": message.ordinal, "position": link.position}
                personal.append(PersonalLink(**place, url=render_destination(link.url, contact=fields, organization=scope)))
        fill_in = functools.partial(render, contact=fields, organization=scope, tracked_links=addresses)
        texts = Texts(
            subject=fill_in(facts.content.subject) if facts.content.subject is not None else None,
            body=fill_in(facts.content.body),
            html=fill_in(facts.content.html, html=True) if facts.content.html is not None else None,
        )
        message.subject, message.body, message.html = checked(texts)
        return Composed(message, personal)

    def _tracked(self, facts: SendFacts, message: Message, link: ContentLink) -> str:
        domain = facts.link_domain or self._link_domain
        return f"{domain.rstrip('/')}/{self._codec.encode(link.content_id, message.ordinal, link.position)}"


def _failed(message: Message, reason: str) -> Composed:
    message.state, message.reason = MessageState.FAILED, cut(reason)
    return Composed(message)


def _as_written(link: ContentLink, fields: dict[str, Any], organization: dict[str, Any]) -> AsWritten:
    """The address as its author wrote it, which is what an untracked message shows; merge fields filled in."""
    written = link.written or link.url
    if link.merge and has_fields(written):
        return AsWritten(render_destination(written, contact=fields, organization=organization))
    return AsWritten(written)

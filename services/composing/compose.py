"""Turns a content and a contact into a message: address, tracked links, rendered text.

Messages that cannot be sent are composed too, as `skipped` or `failed` with their reason, so that nobody is left out silently.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from models.base import now
from models.channels.channel import Medium
from models.contacts.contact import Contact
from models.messages.content import PersonalLink
from models.messages.ledger import SendFacts
from models.messages.message import Message, MessageKind, MessageState, must_offer_unsubscribe
from models.organizations.cascade import link_domain_of
from models.texts.text import cut
from services.composing.rendering import Reader, Unrenderable, render_message
from tracking.tokens.token import TokenCodec
from tracking.tokens.unsubscribe import UNSUBSCRIBE_POSITION, unsubscribe_address

log = structlog.get_logger()

TOO_DEAR = "text_too_dear"


@dataclass(frozen=True)
class Composed:
    """A message in state planned, skipped or failed, and the rows of its personal links. Nothing is stored yet."""

    message: Message
    personal_links: Sequence[PersonalLink] = ()

    @property
    def rows(self) -> list[Message | PersonalLink]:
        return [self.message, *self.personal_links]


def without_person(composed: Composed) -> Composed:
    """Takes everything about the person out of a message whose contact was erased since it was composed."""
    message = composed.message
    message.to_address = message.subject = message.body = message.html = message.unsubscribe_url = None
    return Composed(message)


def contact_fields(contact: Contact) -> dict[str, Any]:
    """Returns what templates may use as `contact`. Documented in docs/templates.md."""
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


def address_of(contact: Contact, medium: Medium) -> str | None:
    """Returns where this medium reaches the contact, or None when it does not."""
    return contact.phone if medium == Medium.SMS else contact.email


class Composer:
    """`link_domain` is where tracked links lead when the organization has no domain of its own.

    A message may take up to half a second of the processor, so activities have it composed by `services/composing/threads.py`.
    """

    def __init__(self, codec: TokenCodec, link_domain: str) -> None:
        self._codec = codec
        self._link_domain = link_domain

    def compose(
        self, facts: SendFacts, contact: Contact, recipient_number: int, *, too_dear: bool = False, **ledger_key: Any
    ) -> Composed:
        """`too_dear` says that the text has used up what it may cost, so the message fails without being rendered. `ledger_key`
        is campaign_id, or enrollment_id, sequence_id, step_key and step_run."""
        message = Message(
            org_id=facts.organization.id,
            contact_id=contact.id,
            channel_id=facts.channel.id,
            content_id=facts.content_id,
            recipient_number=recipient_number,
            tracked=facts.tracked,
            message_kind=MessageKind(facts.content.message_kind),
            late_after=facts.content.late_after(facts.due_at or now()),
            to_address=address_of(contact, facts.channel.medium),
            **ledger_key,
        )
        if message.to_address is None:
            message.state = MessageState.SKIPPED
            message.reason = "no_phone" if facts.channel.medium == Medium.SMS else "no_email"
            return Composed(message)
        if too_dear:
            return _failed(message, TOO_DEAR)
        try:
            return self._render(message, facts, contact)
        except Unrenderable as error:
            return _failed(message, str(error))
        except Exception as error:  # whatever the error is, it concerns this contact and must not stop the others
            log.exception("message could not be composed", contact_id=str(contact.id), content_id=facts.content_id)
            return _failed(message, f"the message could not be composed: {type(error).__name__}: {error}")

    def _render(self, message: Message, facts: SendFacts, contact: Contact) -> Composed:
        domain = link_domain_of(facts.organization, facts.link_domain, self._link_domain)
        encode = functools.partial(self._codec.encode, facts.content_id, message.recipient_number)
        message.unsubscribe_url = unsubscribe_address(domain, encode(UNSUBSCRIBE_POSITION))
        reader = Reader(
            contact_fields(contact),
            facts.organization.name,
            facts.variables,
            message.unsubscribe_url,
            must_see_unsubscribe_url=must_offer_unsubscribe(facts.channel.medium, message.message_kind),
        )
        tracked = [f"{domain}/{encode(link.position)}" for link in facts.links] if facts.tracked else None
        rendered = render_message(facts.content, facts.links, reader, tracked)
        message.subject, message.body, message.html = rendered.texts
        recipient = {"content_id": facts.content_id, "recipient_number": message.recipient_number}
        return Composed(
            message,
            [PersonalLink(**recipient, position=position, url=url) for position, url in rendered.destinations.items()],
        )


def _failed(message: Message, reason: str) -> Composed:
    message.state, message.reason = MessageState.FAILED, cut(reason)
    return Composed(message)

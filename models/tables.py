"""All tables, imported once, so that `SQLModel.metadata` is complete for migrations and tests."""

from sqlmodel import SQLModel

from models import (
    campaign,
    channel,
    click,
    click_inbox,
    contact,
    contact_import,
    content,
    enrollment,
    event,
    idempotency,
    message,
    organization,
    sequence,
    shared_link,
)

__all__ = [
    "campaign",
    "channel",
    "click",
    "click_inbox",
    "contact",
    "contact_import",
    "content",
    "enrollment",
    "event",
    "idempotency",
    "message",
    "metadata",
    "organization",
    "sequence",
    "shared_link",
]

metadata = SQLModel.metadata

"""What a contact has said about getting messages."""

from typing import Literal

from pydantic import Field

from models.channels.channel import Medium
from models.consent.consent import ConsentState
from models.messages.message import MessageKind
from models.segments.kinds.base import Leaf
from models.segments.values import Values


class ConsentCondition(Leaf):
    """Whether the newest answer that covers such messages is this one. Answers about a single channel do not count."""

    kind: Literal["consent"]
    state: ConsentState = Field(description="unknown: never asked, or an answer that was taken back.")
    medium: Medium
    message_kind: MessageKind = MessageKind.MARKETING

    def sql(self, values: Values) -> str:
        medium, kind = values.add(self.medium.value), values.add(self.message_kind.value)
        newest = NEWEST.format(medium=medium, kind=kind)
        return f"coalesce(({newest}), 'unknown') = {values.add(self.state.value)}"


NEWEST = """
SELECT consent.state FROM consent WHERE consent.contact_id = contact.id AND consent.channel_id IS NULL
    AND (consent.medium IS NULL OR consent.medium = {medium}) AND (consent.message_kind IS NULL OR consent.message_kind = {kind})
    ORDER BY consent.given_at DESC, consent.id DESC LIMIT 1
"""

"""Whether a message reached its provider."""

from collections.abc import Iterator
from typing import Literal
from uuid import UUID

from models.segments.kinds.base import Leaf, Reference, Rows, optional
from models.segments.values import Values


class ReceivedCondition(Leaf):
    """Whether a message to the contact was accepted: any message, the campaign's, or one of the sequence's."""

    kind: Literal["received"]
    campaign_id: UUID | None = optional(description="This campaign's message.")
    sequence_id: UUID | None = optional(description="Any message of this sequence.")

    def model_post_init(self, _context: object) -> None:
        if self.campaign_id is not None and self.sequence_id is not None:
            raise ValueError("give only one of campaign_id and sequence_id")

    def references(self) -> Iterator[Reference]:
        for field in ("campaign_id", "sequence_id"):
            if (id := getattr(self, field)) is not None:
                yield Reference(field, field.removesuffix("_id"), id)

    def has_index(self) -> bool:
        return self.campaign_id is not None

    def rows(self, values: Values) -> Rows | None:
        return self._messages(values) if self.campaign_id is not None else None

    def sql(self, values: Values) -> str:
        return self._messages(values).of_contact()

    def _messages(self, values: Values) -> Rows:
        for field in ("campaign_id", "sequence_id"):
            if (id := getattr(self, field)) is not None:
                return Rows("message", f"{ACCEPTED} AND message.{field} = {values.add(id, 'uuid')}")
        return Rows("message", ACCEPTED)


ACCEPTED = "message.org_id = :org_id AND message.state = 'accepted'"

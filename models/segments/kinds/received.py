"""Whether messages reached their provider."""

from collections.abc import Iterator
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from models.segments.kinds.base import Reference, Rows, TimeComparison, optional
from models.segments.values import Values


class ReceivedCondition(TimeComparison):
    """Whether messages to the contact were accepted: any messages, the campaign's, or those of the sequence. The times compare
    when they were accepted. One is enough, unless `at_least` says more."""

    kind: Literal["received"]
    campaign_id: UUID | None = optional(description="This campaign's message.")
    sequence_id: UUID | None = optional(description="Any message of this sequence.")

    at_least: Annotated[int, Field(ge=1, le=1000, strict=True)] | None = optional(examples=[3])

    def model_post_init(self, _context: object) -> None:
        if self.campaign_id is not None and self.sequence_id is not None:
            raise ValueError("give only one of campaign_id and sequence_id")
        if self.campaign_id is not None and self.at_least is not None:
            raise ValueError("a campaign writes once to everybody: leave at_least out")

    def references(self) -> Iterator[Reference]:
        for field in ("campaign_id", "sequence_id"):
            if (id := getattr(self, field)) is not None:
                yield Reference(field, field.removesuffix("_id"), id)

    def has_index(self) -> bool:
        return self.campaign_id is not None

    def rows(self, values: Values) -> Rows | None:
        return self._messages(values) if self.campaign_id is not None else None

    def sql(self, values: Values) -> str:
        messages = self._messages(values)
        if self.at_least in (None, 1):
            return messages.of_contact()
        number = values.add(self.at_least, "integer")
        return SEVERAL.format(where=messages.where, number=number)

    def _messages(self, values: Values) -> Rows:
        where = ACCEPTED
        for field in ("campaign_id", "sequence_id"):
            if (id := getattr(self, field)) is not None:
                where += f" AND message.{field} = {values.add(id, 'uuid')}"
        if time := self.sql_of("message.accepted_at", values):
            where += f" AND {time}"
        return Rows("message", where)


ACCEPTED = "message.org_id = :org_id AND message.state = 'accepted'"

# No more messages are looked at than are asked for.
SEVERAL = """(
    SELECT count(*) FROM (SELECT FROM message WHERE {where} AND message.contact_id = contact.id LIMIT {number}) AS received
) >= {number}"""

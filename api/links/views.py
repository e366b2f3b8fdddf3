"""Links as answers show them: part of a campaign or of a published version of a sequence."""

from collections.abc import Iterable
from uuid import UUID

from pydantic import BaseModel, Field

from models.messages.content import PlacedLink


class LinkView(BaseModel):
    """A tracked destination. `id` is what `/v1/links/{id}/analytics` takes."""

    id: UUID
    name: str | None = Field(examples=["offer"])
    url: str = Field(examples=["https://www.example.com/offer"])
    position: int = Field(description="Its number in the text, from 0.")
    step_key: str | None = Field(description="The send step of a sequence; null for a campaign.")


def link_views(placed: Iterable[PlacedLink]) -> list[LinkView]:
    return [
        LinkView(
            id=each.link.id,
            name=each.link.name,
            url=each.link.url,
            position=each.link.position,
            step_key=each.step_key,
        )
        for each in placed
    ]

"""All tracked links of the organization, wherever they stand, with their clicks."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field

from api.handling.request import OrganizationDep, SessionDep, area
from api.http.paging import Page, PageDep
from models.clicks.verdict import Verdict
from models.links.tracked_links import TrackedLink, list_links

router = area("links")


class TrackedLinkView(BaseModel):
    """A link of a campaign's or a sequence's text, of a message that a trigger sends, or a shared link. `id` is what
    `/v1/links/{id}/analytics` and `/v1/clicks?link_id=` take."""

    id: UUID
    name: str | None = Field(description="In its text; null: it has none.", examples=["offer"])
    url: str = Field(examples=["https://shop.example/offer"])
    slug: str | None = Field(description="Of a shared link.", examples=["spring-sale"])
    campaign_id: UUID | None
    campaign: str | None = Field(description="The campaign's name.", examples=["Spring offer"])
    sequence_id: UUID | None
    sequence: str | None = Field(description="The sequence's name.", examples=["Welcome"])
    step_key: str | None
    version: int | None = Field(description="The sequence's published version.")
    trigger_key: str | None = Field(description="Set when a trigger of the campaign or the sequence sends it.")
    created_at: datetime
    human_clicks: int = Field(examples=[70])
    suspect_clicks: int = Field(examples=[0])
    bot_clicks: int = Field(examples=[5])
    people: int = Field(description="Who clicked it themselves. Nobody knows who clicks a shared link.", examples=[60])
    messages: int = Field(description="Messages with it that were accepted, or may have been.", examples=[200])


@router.get("/links", summary="List links")
async def list_all(
    session: SessionDep,
    caller: OrganizationDep,
    page: PageDep,
    of: Annotated[Literal["messages", "shared"] | None, Query(description="Only links in messages, or only shared ones.")] = None,
) -> Page[TrackedLinkView]:
    """All tracked links, newest first: those of deleted shared links too, because their clicks stay on record."""
    rows, after = await list_links(session, caller.id, page, None if of is None else of == "messages")
    return Page(items=[_view(row) for row in rows], next_cursor=page.next_cursor(after))


def _view(row: TrackedLink) -> TrackedLinkView:
    clicks = {f"{each.value}_clicks": row.clicks.get(each, 0) for each in Verdict}
    return TrackedLinkView(**{**row._asdict(), **clicks})

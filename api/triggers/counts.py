"""How often the triggers of a campaign or a sequence fired, for how many people, and what each action did."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from api.handling.request import OrganizationDep, SessionDep, area
from api.http.paging import Page, PageDep
from models.campaigns.campaign import get_campaign
from models.paging import PageRequest
from models.reports.triggers import TriggerCounts, count_campaign_triggers, count_sequence_triggers
from models.sequences.sequence import get_sequence, get_version

router = area("triggers")

ALL = PageRequest(limit=200)
"""What an answer shows that has no pages of its own."""


class ActionLink(BaseModel):
    """A link of a message that the action sends. `id` is what `/v1/clicks?link_id=` and `/v1/links/{id}/analytics` take."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str | None = Field(examples=["offer"])
    url: str = Field(examples=["https://www.example.com/offer"])
    clicks: int = Field(description="Clicks of people.", examples=[12])
    people: int = Field(description="How many people clicked it.", examples=[10])


class ActionCount(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    position: int = Field(description="Its place in the trigger's list, from 0 on.", examples=[0])
    kind: str = Field(examples=["tag"])
    done: int = Field(examples=[60])
    failed: int = Field(
        description="`…/triggers/{key}/firings?outcome=failed` lists them, and they can be retried.", examples=[2]
    )
    skipped: int
    waiting: int = Field(description="Those without an outcome yet.", examples=[1])
    links: list[ActionLink] = Field(
        description="Of a `send`: the links of its message; of a sequence, in its latest 20 versions."
    )


class VersionCount(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    version: int
    trigger_id: UUID
    fired: int
    people: int


class TriggerCountView(BaseModel):
    """One trigger as it was published. Those of a sequence's versions are one when they have the same key and stand on the same
    step; what is said of it is what the latest of these versions says."""

    trigger_id: UUID
    key: str = Field(examples=["hot"])
    step_key: str | None = Field(description="Set when the trigger stands on a single send step.")
    when: Literal["clicked", "not_clicked"]
    link: str | None = Field(description="null: any link.", examples=["offer"])
    times: int
    within: timedelta | None
    segment_id: UUID | None
    fired: int = Field(examples=[63])
    people: int = Field(description="For how many contacts it fired; of a sequence, in each version.", examples=[63])
    actions: list[ActionCount]
    versions: list[VersionCount] = Field(description="Of a sequence: the latest 20 versions that have it, newest first.")


@router.get("/campaigns/{campaign_id}/triggers", summary="Count what a campaign's triggers did")
async def of_campaign(campaign_id: UUID, session: SessionDep, caller: OrganizationDep, page: PageDep) -> Page[TriggerCountView]:
    """The triggers in their order, once the campaign is launched."""
    await get_campaign(session, caller.id, campaign_id)
    found, after = await count_campaign_triggers(session, campaign_id, page)
    return Page(items=trigger_counts(found), next_cursor=page.next_cursor(after))


@router.get("/sequences/{sequence_id}/triggers", summary="Count what a sequence's triggers did")
async def of_sequence(
    sequence_id: UUID,
    session: SessionDep,
    caller: OrganizationDep,
    page: PageDep,
    version: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="Only this version; left out: all together.")] = None,
) -> Page[TriggerCountView]:
    """The triggers of all published versions, or of one."""
    await get_sequence(session, caller.id, sequence_id)
    if version is not None:
        await get_version(session, caller.id, sequence_id, version)
    found, after = await count_sequence_triggers(session, sequence_id, page, version)
    return Page(items=trigger_counts(found), next_cursor=page.next_cursor(after))


def trigger_counts(found: Iterable[TriggerCounts]) -> list[TriggerCountView]:
    return [_view(each) for each in found]


def _view(counts: TriggerCounts) -> TriggerCountView:
    trigger = counts.trigger
    same = {name: getattr(trigger, name) for name in ("key", "step_key", "link", "times", "within", "segment_id")}
    return TriggerCountView(
        **same,
        trigger_id=trigger.id,
        when="not_clicked" if trigger.event == "not_clicked" else "clicked",
        fired=counts.fired,
        people=counts.people,
        actions=[ActionCount.model_validate(each) for each in counts.actions],
        versions=[VersionCount.model_validate(each) for each in counts.versions],
    )

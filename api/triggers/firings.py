"""Firings: what the triggers of campaigns and sequences have done for whom, and another attempt at what failed."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Depends, Query, Request
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from api.handling.request import Idempotent, OrganizationDep, ServicesDep, SessionDep, after_commit, area
from api.http.paging import Page, PageDep
from models.campaigns.campaign import get_campaign
from models.reports.known_ids import require_known
from models.sequences.sequence import get_sequence
from models.sequences.steps.base import StepKey
from models.triggers.firing import ActionOutcome, FiringAction
from models.triggers.firings import (
    FiringFilter,
    FiringState,
    FiringWithActions,
    get_firing,
    list_firings,
    retry_firing,
    triggers_of_campaign,
    triggers_of_sequence,
)
from models.triggers.trigger import Trigger

router = area("firings")


class FiringActionView(BaseModel):
    """What became of one action. An action without an outcome yet has null in `outcome`, `reason` and `at`."""

    position: int = Field(description="Its place in the trigger's list, from 0 on.", examples=[0])
    kind: str = Field(examples=["send"])
    outcome: ActionOutcome | None = Field(examples=["failed"])
    reason: str | None = Field(description="Why it failed or was skipped.", examples=["no_phone"])
    detail: dict[str, Any] = Field(description="Ids of what it made, such as `message_id` or `enrollment_id`.")
    at: datetime | None


class FiringView(BaseModel):
    """One occurrence of a trigger for one contact."""

    id: UUID
    trigger_key: str = Field(examples=["hot"])
    step_key: str | None = Field(description="Set when the trigger stands on a single send step.")
    contact_id: UUID
    first_name: str | None = Field(description="Of the contact, as the last name.", examples=["Ada"])
    last_name: str | None = Field(examples=["Lovelace"])
    occurrence: int = Field(description="1 for the first one of this contact.", examples=[1])
    state: FiringState = Field(examples=["failed"])
    message_id: UUID = Field(description="The message that was clicked, or not clicked.")
    enrollment_id: UUID | None = Field(description="The enrollment of that message.")
    click_id: UUID | None = Field(description="null: it fired because nobody clicked by the deadline.")
    link: str | None = Field(description="The name of the clicked link.", examples=["offer"])
    fired_at: datetime = Field(description="When the contact clicked, or the deadline.")
    due_at: datetime | None = Field(description="When the next action is tried, while the firing is open.")
    last_error: str | None = Field(description="Why the next action could not be done so far.")
    finished_at: datetime | None
    actions: list[FiringActionView]


def firing_filter(
    contact_id: UUID | None = None,
    outcome: Annotated[
        Literal["failed", "open"] | None,
        Query(description="failed: with an action that has failed. open: with actions that are still to be done."),
    ] = None,
) -> FiringFilter:
    return FiringFilter(contact_id, failed=outcome == "failed", open=outcome == "open")


FilterDep = Annotated[FiringFilter, Depends(firing_filter)]
StepQuery = Annotated[StepKey | None, Query(description="Only the trigger on this step, when several have the same key.")]


async def of_campaign_key(session: SessionDep, caller: OrganizationDep, campaign_id: UUID, key: StepKey) -> list[Trigger]:
    campaign = await get_campaign(session, caller.id, campaign_id)
    return await triggers_of_campaign(session, campaign.id, key)


async def of_sequence_key(
    session: SessionDep, caller: OrganizationDep, sequence_id: UUID, key: StepKey, step: StepQuery = None
) -> list[Trigger]:
    sequence = await get_sequence(session, caller.id, sequence_id)
    return await triggers_of_sequence(session, sequence.id, key, step)


CampaignTriggers = Annotated[list[Trigger], Depends(of_campaign_key)]
SequenceTriggers = Annotated[list[Trigger], Depends(of_sequence_key)]


@router.get("/campaigns/{campaign_id}/triggers/{key}/firings", summary="List the firings of a campaign's trigger")
async def of_campaign(
    session: SessionDep, caller: OrganizationDep, triggers: CampaignTriggers, page: PageDep, wanted: FilterDep
) -> Page[FiringView]:
    """For whom the trigger has fired, newest first, and what became of each action."""
    return await _page(session, caller.id, triggers, wanted, page)


@router.get("/sequences/{sequence_id}/triggers/{key}/firings", summary="List the firings of a sequence's trigger")
async def of_sequence(
    session: SessionDep, caller: OrganizationDep, triggers: SequenceTriggers, page: PageDep, wanted: FilterDep
) -> Page[FiringView]:
    """For whom the trigger has fired, newest first, and what became of each action. All published versions are meant."""
    return await _page(session, caller.id, triggers, wanted, page)


@router.post(
    "/campaigns/{campaign_id}/triggers/{key}/firings/{firing_id}/retry",
    status_code=202,
    dependencies=[Idempotent],
    summary="Retry what failed of a campaign's trigger",
)
async def retry_of_campaign(
    request: Request,
    session: SessionDep,
    caller: OrganizationDep,
    services: ServicesDep,
    triggers: CampaignTriggers,
    firing_id: UUID,
) -> FiringView:
    """Has the actions that failed done once more, from the first one on, and those that were skipped because of them. What was
    done is not done again, and a message that was accepted is not sent again. 409 when nothing has failed."""
    return await _retry(request, session, caller.id, services, triggers, firing_id)


@router.post(
    "/sequences/{sequence_id}/triggers/{key}/firings/{firing_id}/retry",
    status_code=202,
    dependencies=[Idempotent],
    summary="Retry what failed of a sequence's trigger",
)
async def retry_of_sequence(
    request: Request,
    session: SessionDep,
    caller: OrganizationDep,
    services: ServicesDep,
    triggers: SequenceTriggers,
    firing_id: UUID,
) -> FiringView:
    """Has the actions that failed done once more, from the first one on, and those that were skipped because of them. What was
    done is not done again, and a message that was accepted is not sent again. 409 when nothing has failed."""
    return await _retry(request, session, caller.id, services, triggers, firing_id)


async def _page(
    session: AsyncSession, org_id: UUID, triggers: list[Trigger], wanted: FiringFilter, page: PageDep
) -> Page[FiringView]:
    await require_known(session, org_id, wanted)
    rows, after = await list_firings(session, triggers, wanted, page)
    return Page(items=[_view(row) for row in rows], next_cursor=page.next_cursor(after))


async def _retry(
    request: Request, session: AsyncSession, org_id: UUID, services: ServicesDep, triggers: list[Trigger], firing_id: UUID
) -> FiringView:
    await retry_firing(session, await get_firing(session, org_id, triggers, firing_id, lock=True))
    found = await get_firing(session, org_id, triggers, firing_id)
    part: Literal["sends", "triggers"] = "sends" if found.firing.sends else "triggers"
    after_commit(request, lambda: services.starter.ring_sweeper(part))
    return _view(found)


def _view(found: FiringWithActions) -> FiringView:
    firing, trigger = found.firing, found.trigger
    is_open = found.state == FiringState.OPEN
    outcomes = {each.position: each for each in found.actions}
    kinds = [str(each.get("kind", "")) for each in trigger.definition["actions"]]
    same = {name: getattr(firing, name) for name in FiringView.model_fields if name in type(firing).model_fields}
    shown = {"due_at": firing.due_at if is_open else None, "last_error": firing.last_error if is_open else None}
    return FiringView(
        **{**same, **shown},
        trigger_key=trigger.key,
        step_key=trigger.step_key,
        first_name=found.contact.first_name,
        last_name=found.contact.last_name,
        state=found.state,
        link=firing.link_name,
        actions=[_action(position, kind, outcomes.get(position)) for position, kind in enumerate(kinds)],
    )


def _action(position: int, kind: str, row: FiringAction | None) -> FiringActionView:
    if row is None:
        return FiringActionView(position=position, kind=kind, outcome=None, reason=None, detail={}, at=None)
    return FiringActionView(
        position=position, kind=kind, outcome=ActionOutcome(row.outcome), reason=row.reason, detail=row.detail, at=row.at
    )

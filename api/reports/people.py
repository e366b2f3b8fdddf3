"""The people of a campaign or a sequence: who clicked, who did not, who clicked a link."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query
from pydantic import BaseModel, Field

from api.handling.request import OrganizationDep, SessionDep, area
from api.http.paging import Page, PageDep
from api.reports.clicks import VerdictQuery, VerdictWanted
from models.campaigns.campaign import get_campaign
from models.clicks.click import Scope
from models.messages.message import MessageState
from models.messages.report import ReportKind
from models.reports.people import PeopleFilter, list_people
from models.sequences.enrollment import EnrollmentState
from models.sequences.sequence import get_sequence
from models.texts.text import Text

router = area("people")


class Person(BaseModel):
    """`clicks` are of the verdict and the link that were asked for. Where the rows of old clicks were removed
    (`click_retention_days`), `clicks` counts those that are left, and `first_click_at` still says when the first one was."""

    contact_id: UUID
    external_id: str | None = Field(examples=["crm-1001"])
    first_name: str | None = Field(examples=["Ada"])
    last_name: str | None = Field(examples=["Lovelace"])
    email: str | None = Field(examples=["ada@example.com"])
    phone: str | None = Field(examples=["+12025550123"])
    message_id: UUID | None = Field(description="Of the newest message to this person; null: there was none yet.")
    message_state: MessageState | None = Field(examples=[MessageState.ACCEPTED])
    reason: str | None = Field(description="Why it was skipped, failed or is unknown.", examples=["no_phone"])
    report: ReportKind | None = Field(description="The highest of what the provider has reported.", examples=["delivered"])
    clicks: int = Field(examples=[2])
    first_click_at: datetime | None = Field(description="Of the click that was recorded first; null: no such click.")


class CampaignPerson(Person):
    """Somebody with a message of the campaign."""


class SequencePerson(Person):
    """Somebody who was enrolled, with the newest enrollment."""

    enrollment_id: UUID
    enrollment_state: EnrollmentState = Field(examples=[EnrollmentState.RUNNING])
    step_key: str | None = Field(description="The step in which the enrollment is; null: in none.", examples=["wait_for_offer"])


ClickedQuery = Annotated[bool | None, Query(description="true: only who clicked. false: only who did not.")]
LinkQuery = Annotated[UUID | None, Query(description="Only clicks on this link count. Without `clicked`: who clicked it.")]


def _wanted(
    clicked: ClickedQuery = None,
    link_id: LinkQuery = None,
    verdict: VerdictQuery = VerdictWanted.HUMAN,
) -> PeopleFilter:
    return PeopleFilter(clicked=True if clicked is None and link_id else clicked, link_id=link_id, verdict=verdict.verdict)


WantedDep = Annotated[PeopleFilter, Depends(_wanted)]


@router.get("/campaigns/{campaign_id}/people", summary="List a campaign's people")
async def of_campaign(
    campaign_id: UUID,
    session: SessionDep,
    caller: OrganizationDep,
    page: PageDep,
    wanted: WantedDep,
    state: Annotated[list[MessageState] | None, Query(description="Of the message; several: any of them.")] = None,
    reason: Annotated[
        Text | None, Query(description="Exactly this reason of the message's state.", examples=["no_phone"])
    ] = None,
    report: Annotated[
        ReportKind | None, Query(description="The highest of what the provider has reported.", examples=["replied"])
    ] = None,
) -> Page[CampaignPerson]:
    """Who got the campaign's message, or was to get it, with what became of it and with their clicks. Newest messages first; with
    `clicked=true`, newest contacts first. `clicked=false` has those too whose message was skipped or failed: `state=accepted`
    leaves only people who got it.

    A page can have fewer people than `limit`, or none, and still have a `next_cursor`: go on until it is null.
    """
    await get_campaign(session, caller.id, campaign_id)
    asked = PeopleFilter(wanted.clicked, wanted.link_id, wanted.verdict, state or (), reason, report)
    rows, after = await list_people(session, caller.id, Scope.CAMPAIGN, campaign_id, asked, page)
    items = [CampaignPerson.model_validate(row._asdict()) for row in rows]
    return Page(items=items, next_cursor=page.next_cursor(after))


@router.get("/sequences/{sequence_id}/people", summary="List a sequence's people")
async def of_sequence(
    sequence_id: UUID,
    session: SessionDep,
    caller: OrganizationDep,
    page: PageDep,
    wanted: WantedDep,
    state: Annotated[list[EnrollmentState] | None, Query(description="Of the newest enrollment; several: any of them.")] = None,
) -> Page[SequencePerson]:
    """Everybody who was ever enrolled, once, with the newest enrollment, the newest message and their clicks in the sequence.
    Newest enrollments first; with `clicked=true`, newest contacts first.

    A page can have fewer people than `limit`, or none, and still have a `next_cursor`: go on until it is null.
    """
    await get_sequence(session, caller.id, sequence_id)
    asked = PeopleFilter(wanted.clicked, wanted.link_id, wanted.verdict, state or ())
    rows, after = await list_people(session, caller.id, Scope.SEQUENCE, sequence_id, asked, page)
    items = [SequencePerson.model_validate({**row._asdict(), "enrollment_state": row.state}) for row in rows]
    return Page(items=items, next_cursor=page.next_cursor(after))

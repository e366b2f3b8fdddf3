"""The feed of clicks, for reports of your own and for looking into single ones."""

from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from api.handling.audit import leave_unaudited
from api.handling.request import KeyDep, OrganizationDep, ServicesDep, SessionDep, area
from api.http.paging import Page, PageDep
from api.reports.filters import TimeRangeDep
from api.reports.filters import where as where_filters
from models.clicks.correction import correct_verdict, latest_correction
from models.clicks.verdict import CORRECTED, Reason, Verdict
from models.reports import click_feed
from models.reports.click_feed import ClickFilter, FeedClick
from models.reports.where import Where
from models.texts.text import Text

router = area("clicks")


class VerdictWanted(StrEnum):
    """A verdict, or `all` of them."""

    HUMAN = Verdict.HUMAN
    SUSPECT = Verdict.SUSPECT
    BOT = Verdict.BOT
    ALL = "all"

    @property
    def verdict(self) -> Verdict | None:
        return None if self is VerdictWanted.ALL else Verdict(self)


VerdictQuery = Annotated[VerdictWanted, Query(description="Which clicks: of people only, unless something else is asked for.")]


class ClickedLink(BaseModel):
    id: UUID
    name: str | None = Field(description="The link's name in the message; null: it has none.", examples=["offer"])
    url: str = Field(description="Where this contact was sent.", examples=["https://shop.example/offer"])


class ShownCorrection(BaseModel):
    """Who said so, when, and what the click was before."""

    at: datetime
    key_id: str | None = Field(examples=["e6a9636f9413"])
    earlier_verdict: Verdict = Field(examples=[Verdict.HUMAN])
    earlier_reason: str = Field(examples=[Reason.BROWSER])
    note: str | None = Field(examples=["Our own link checker."])


class ClickAbout(BaseModel):
    """What is known of a click. Place and device are null when the organization kept no metadata at that time."""

    verdict: Verdict = Field(examples=[Verdict.HUMAN])
    reason: str = Field(description="Why that verdict: a word for programs.", examples=[Reason.BROWSER])
    contact_id: UUID | None = Field(description="Null: a shared link was clicked, by anybody.")
    message_id: UUID | None
    campaign_id: UUID | None
    sequence_id: UUID | None
    enrollment_id: UUID | None
    link: ClickedLink
    country: str | None = Field(description="ISO 3166-1 alpha-2.", examples=["DE"])
    city: str | None = Field(examples=["Berlin"])
    device_type: str | None = Field(description="phone, tablet, desktop, bot or other.", examples=["phone"])
    browser: str | None = Field(examples=["Mobile Safari"])
    os: str | None = Field(examples=["iOS"])
    correction: ShownCorrection | None = Field(description="The latest one; null: nobody has corrected the verdict.")


class Clicker(BaseModel):
    """Who clicked, with what is known of them; all is null once they were erased."""

    id: UUID
    external_id: str | None = Field(examples=["crm-1001"])
    first_name: str | None = Field(examples=["Ada"])
    last_name: str | None = Field(examples=["Lovelace"])
    email: str | None = Field(examples=["ada@example.com"])
    phone: str | None = Field(examples=["+12025550123"])


class Click(ClickAbout):
    id: UUID
    clicked_at: datetime
    contact: Clicker | None = Field(description="Null: a shared link was clicked, by anybody.")
    campaign: str | None = Field(description="The campaign's name.", examples=["Spring offer"])
    sequence: str | None = Field(description="The sequence's name.", examples=["Welcome"])


def about_click(row: FeedClick) -> dict[str, object]:
    """Returns the fields of a `ClickAbout`."""
    link = ClickedLink(id=row.link_id, name=row.link_name, url=row.link_url)
    return {**row._asdict(), "link": link}


def click_conditions(  # noqa: PLR0913, RUF100 - one argument for each query parameter
    where: Annotated[Where, Depends(where_filters)],
    campaign_id: UUID | None = None,
    sequence_id: UUID | None = None,
    enrollment_id: UUID | None = None,
    contact_id: UUID | None = None,
    link_id: UUID | None = None,
    verdict: VerdictQuery = VerdictWanted.HUMAN,
) -> ClickFilter:
    """Everything but the time."""
    owners = (campaign_id, sequence_id, enrollment_id, contact_id, link_id)
    found = ClickFilter(*owners, verdict.verdict, country=where.country, device_type=where.device_type)
    return replace(found, region=where.region, city=where.city, browser=where.browser, os=where.os, tag=where.tag)


def click_filter(found: Annotated[ClickFilter, Depends(click_conditions)], time: TimeRangeDep) -> ClickFilter:
    return replace(found, since=time.since, until=time.until)


class Correction(BaseModel):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"verdict": Verdict.BOT, "note": "Our own link checker."}]}
    )

    verdict: Verdict
    note: Annotated[Text, Field(min_length=1, max_length=500)] | None = Field(None, description="For whoever asks later.")


class Corrected(BaseModel):
    id: UUID
    clicked_at: datetime
    verdict: Verdict
    reason: str = Field(description="corrected, unless the click had the verdict before.", examples=[CORRECTED])
    correction: ShownCorrection | None = Field(description="The latest one; null: the click had the verdict from the beginning.")


@router.post("/clicks/{click_id}/verdict", summary="Correct a click's verdict")
async def correct(
    session: SessionDep, caller: OrganizationDep, key: KeyDep, request: Request, click_id: UUID, body: Correction
) -> Corrected:
    """Gives a recorded click another verdict and makes all numbers say so. A click that has the verdict already stays as it is,
    and so do its note and the audit log.

    It starts nothing: what waits for a click of the person goes on waiting, and no trigger fires. A click whose row was removed
    because it is old is 404.
    """
    click = await correct_verdict(session, caller.id, click_id, body.verdict, body.note, key.id)
    if not click.changed:
        leave_unaudited(request)
    latest = await latest_correction(session, click.id)
    shown = latest and ShownCorrection.model_validate(
        {**vars(latest), "earlier_verdict": latest.old_verdict, "earlier_reason": latest.old_reason}
    )
    return Corrected.model_validate({**vars(click), "correction": shown})


@router.get("/clicks", summary="List clicks")
async def list_all(
    session: SessionDep,
    caller: OrganizationDep,
    services: ServicesDep,
    page: PageDep,
    wanted: Annotated[ClickFilter, Depends(click_filter)],
) -> Page[Click]:
    """Recorded clicks of people, newest first: `?verdict=all` shows those of machines too, `bot` and `suspect` them alone.

    A click shows up here within seconds. Filters that no index answers beside the others, such as a city, or a country within a
    campaign, may read for 2 seconds, one page of an organization at a time (429); then 422 `too_much` names them.
    """
    async with services.row_turns.turn(caller.id) if click_feed.reads_away(wanted) else nullcontext():
        rows, after = await click_feed.list_clicks(session, caller.id, wanted, page)
    return Page(items=[Click.model_validate(about_click(row)) for row in rows], next_cursor=page.next_cursor(after))

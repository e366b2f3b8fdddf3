"""The feed of clicks, for reports of your own and for looking into single ones."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from api.handling.request import OrganizationDep, SessionDep, area
from api.http.paging import Page, PageDep
from models.clicks.correction import correct_verdict
from models.clicks.verdict import CORRECTED, Reason, Verdict
from models.reports import click_feed
from models.reports.click_feed import ClickFilter, FeedClick
from models.texts.moment import Moment
from models.texts.text import Form, Text
from services.clicks.device_types import DeviceType

router = area("clicks")

Country = Annotated[str, Form("^[A-Z]{2}$", "Write the two capital letters of ISO 3166-1, such as DE.")]


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


class Click(ClickAbout):
    id: UUID
    clicked_at: datetime


def about_click(row: FeedClick) -> dict[str, object]:
    """Returns the fields of a `ClickAbout`."""
    link = ClickedLink(id=row.link_id, name=row.link_name, url=row.link_url)
    return {**row._asdict(), "link": link}


def click_filter(  # noqa: PLR0913, RUF100 - one argument for each query parameter
    campaign_id: UUID | None = None,
    sequence_id: UUID | None = None,
    enrollment_id: UUID | None = None,
    contact_id: UUID | None = None,
    link_id: UUID | None = None,
    verdict: VerdictQuery = VerdictWanted.HUMAN,
    since: Annotated[Moment | None, Query(description="Clicked then or later.")] = None,
    until: Annotated[Moment | None, Query(description="Clicked before.")] = None,
    country: Annotated[Country | None, Query(description="ISO 3166-1 alpha-2.")] = None,
    device_type: DeviceType | None = None,
) -> ClickFilter:
    return ClickFilter(
        campaign_id, sequence_id, enrollment_id, contact_id, link_id, verdict.verdict, since, until, country, device_type
    )


class Correction(BaseModel):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"verdict": Verdict.BOT, "note": "Our own link checker."}]}
    )

    verdict: Verdict
    note: Annotated[Text, Field(min_length=1, max_length=500)] | None = Field(None, description="For whoever asks later.")


class Corrected(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    clicked_at: datetime
    verdict: Verdict
    reason: str = Field(description="corrected, unless the click had the verdict before.", examples=[CORRECTED])


@router.post("/clicks/{click_id}/verdict", summary="Correct a click's verdict")
async def correct(session: SessionDep, caller: OrganizationDep, click_id: UUID, body: Correction) -> Corrected:
    """Gives a recorded click another verdict and makes all numbers say so. A click that has the verdict already stays as it is.

    It starts nothing: what waits for a click of the person goes on waiting, and no trigger fires. A click whose row was removed
    because it is old is 404.
    """
    return Corrected.model_validate(await correct_verdict(session, caller.id, click_id, body.verdict, body.note))


@router.get("/clicks", summary="List clicks")
async def list_all(
    session: SessionDep, caller: OrganizationDep, page: PageDep, wanted: Annotated[ClickFilter, Depends(click_filter)]
) -> Page[Click]:
    """Recorded clicks of people, newest first: `?verdict=all` shows those of machines too, `bot` and `suspect` them alone.

    A click shows up here within seconds.
    """
    rows, after = await click_feed.list_clicks(session, caller.id, wanted, page)
    return Page(items=[Click.model_validate(about_click(row)) for row in rows], next_cursor=page.next_cursor(after))

"""Analytics of a campaign, a sequence and a link. `docs/analytics.md` says what each number means."""

from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import Depends, Query
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from api.clicks import VerdictQuery, VerdictWanted
from api.moment import Moment
from api.request import OrganizationDep, SessionDep, area
from models.analytics import (
    ClickCounts,
    ClickQuestion,
    Count,
    LinkOfText,
    MessageCounts,
    contents_of,
    count_clicks,
    count_links,
    count_messages,
    get_link,
    links_of,
)
from models.analytics_steps import EnrollmentCounts, StepCounts, count_enrollments, count_follow_ups
from models.campaign import get_campaign
from models.click import Scope
from models.sequence import current_version, get_sequence

router = area("analytics")

MOST_CITIES = 1000


class Counted(BaseModel):
    clicks: int = Field(examples=[70])
    people: int = Field(description="Contacts whose first click fell here, so that these add up to the total.", examples=[60])


class CountryCount(Counted):
    country: str | None = Field(description="ISO 3166-1 alpha-2; null: not known.", examples=["DE"])


class CityCount(CountryCount):
    city: str | None = Field(examples=["Berlin"])


class DeviceCount(Counted):
    device_type: str | None = Field(description="phone, tablet, desktop, bot or other; null: no metadata.", examples=["phone"])


class HourCount(Counted):
    hour: datetime = Field(description="The hour's first moment, UTC. Hours without clicks are left out.")


class LinkCount(Counted):
    """People of one link: somebody who clicked two links is in both."""

    link_id: UUID
    name: str | None = Field(examples=["offer"])
    url: str = Field(examples=["https://shop.example/offer"])
    position: int
    step_key: str | None
    version: int | None = Field(description="The sequence's published version; null for a campaign.")


class Totals(Counted):
    recipients: int = Field(description="Contacts with a message in any state.", examples=[200])
    reached: int = Field(description="Contacts with a message that was accepted, or may have been.", examples=[200])
    messages: dict[str, int] = Field(description="Messages by state.", examples=[{"accepted": 200}])
    click_rate: float | None = Field(description="people / reached; null: nobody was reached.", examples=[0.3])
    human_clicks: int = Field(description="These three count always, whatever `verdict` asks for.", examples=[70])
    suspect_clicks: int = Field(examples=[0])
    bot_clicks: int = Field(examples=[5])


class Analytics(BaseModel):
    """`since` and `until` limit clicks and people by whole hours (UTC); messages, enrollments and steps are never limited."""

    verdict: VerdictWanted
    since: datetime | None
    until: datetime | None
    totals: Totals
    countries: list[CountryCount]
    cities: list[CityCount] = Field(description=f"The {MOST_CITIES} with the most clicks.")
    cities_left_out: int = Field(description="How many cities more there are.")
    devices: list[DeviceCount]
    hours: list[HourCount]


class CampaignAnalytics(Analytics):
    campaign_id: UUID
    links: list[LinkCount]
    follow_ups: dict[str, int] = Field(description="Enrollments that the trigger made, by state.", examples=[{"completed": 60}])


class StepLeft(BaseModel):
    outcome: str | None = Field(description="sent, skipped, failed, waited, clicked, timed_out, stopped, …", examples=["clicked"])
    branch: str | None = Field(description="Key of the step that came next; null: the sequence ended.", examples=["thanks"])
    visits: int = Field(examples=[60])


class StepCount(BaseModel):
    """Visits of one step, over all versions: a step in a loop counts each time."""

    step_key: str = Field(examples=["wait_for_offer"])
    kind: str | None = Field(description="null: the current version has no such step.", examples=["wait_for_click"])
    entered: int
    active: int = Field(description="Enrollments in this step now.")
    left: list[StepLeft]


class SequenceAnalytics(Analytics):
    sequence_id: UUID
    links: list[LinkCount]
    enrollments: dict[str, int] = Field(description="By state.", examples=[{"running": 3, "completed": 197}])
    outcomes: dict[str, int] = Field(description="Completed enrollments by the end step's word.", examples=[{"completed": 197}])
    steps: list[StepCount]


class LinkAnalytics(Analytics):
    """`messages`, `recipients` and `reached` are those of the text that the link stands in."""

    link_id: UUID
    name: str | None
    url: str
    campaign_id: UUID | None
    sequence_id: UUID | None
    step_key: str | None
    version: int | None


class Window(BaseModel):
    """What was asked for, as it is given back."""

    verdict: VerdictWanted
    since: Moment | None
    until: Moment | None

    @property
    def question(self) -> ClickQuestion:
        return ClickQuestion(None if self.verdict == "all" else self.verdict, self.since, self.until)


def window(
    verdict: VerdictQuery = "human",
    since: Annotated[Moment | None, Query(description="From the hour of this moment on.")] = None,
    until: Annotated[Moment | None, Query(description="Only hours that begin before.")] = None,
) -> Window:
    return Window(verdict=verdict, since=since, until=until)


WindowDep = Annotated[Window, Depends(window)]


@router.get("/campaigns/{campaign_id}/analytics")
async def campaign_analytics(
    campaign_id: UUID, session: SessionDep, caller: OrganizationDep, asked: WindowDep
) -> CampaignAnalytics:
    """The campaign's own message. What its follow-ups send is counted by their sequence."""
    await get_campaign(session, caller.id, campaign_id)
    return CampaignAnalytics(
        **await _common(session, Scope.CAMPAIGN, campaign_id, asked, await contents_of(session, Scope.CAMPAIGN, campaign_id)),
        campaign_id=campaign_id,
        links=await _links(session, Scope.CAMPAIGN, campaign_id, asked),
        follow_ups=await count_follow_ups(session, campaign_id),
    )


@router.get("/sequences/{sequence_id}/analytics")
async def sequence_analytics(
    sequence_id: UUID, session: SessionDep, caller: OrganizationDep, asked: WindowDep
) -> SequenceAnalytics:
    """All published versions together; links are listed for each version."""
    sequence = await get_sequence(session, caller.id, sequence_id)
    version = await current_version(session, sequence)
    counts = await count_enrollments(session, sequence_id)
    return SequenceAnalytics(
        **await _common(session, Scope.SEQUENCE, sequence_id, asked, await contents_of(session, Scope.SEQUENCE, sequence_id)),
        sequence_id=sequence_id,
        links=await _links(session, Scope.SEQUENCE, sequence_id, asked),
        enrollments=counts.by_state,
        outcomes=counts.outcomes,
        steps=_steps(version.definition["steps"] if version else [], counts),
    )


@router.get("/links/{link_id}/analytics")
async def link_analytics(link_id: UUID, session: SessionDep, caller: OrganizationDep, asked: WindowDep) -> LinkAnalytics:
    """One link of one message text: of a campaign, or of one step of one published version of a sequence."""
    link = await get_link(session, caller.id, link_id)
    about = {name: getattr(link, name) for name in ("name", "url", "campaign_id", "sequence_id", "step_key", "version")}
    return LinkAnalytics(**await _common(session, Scope.LINK, link_id, asked, [link.content_id]), link_id=link_id, **about)


async def _common(session: AsyncSession, scope: Scope, scope_id: UUID, asked: Window, content_ids: list[int]) -> dict[str, Any]:
    counts = await count_clicks(session, scope, scope_id, asked.question)
    messages = await count_messages(session, content_ids)
    cities = [CityCount(country=key[0], city=key[1], **count._asdict()) for key, count in counts.cities.items()]
    return {
        **asked.model_dump(),
        "totals": _totals(counts, messages),
        "countries": _keyed(CountryCount, "country", counts.countries),
        "cities": cities[:MOST_CITIES],
        "cities_left_out": max(len(cities) - MOST_CITIES, 0),
        "devices": _keyed(DeviceCount, "device_type", counts.devices),
        "hours": _keyed(HourCount, "hour", counts.hours),
    }


CountOf = TypeVar("CountOf", bound=Counted)


def _keyed(model: type[CountOf], name: str, counts: dict[Any, Count]) -> list[CountOf]:
    return [model.model_validate({name: key, **count._asdict()}) for key, count in counts.items()]


def _totals(counts: ClickCounts, messages: MessageCounts) -> Totals:
    return Totals(
        **counts.total._asdict(),
        recipients=messages.recipients,
        reached=messages.reached,
        messages=messages.by_state,
        click_rate=round(counts.total.people / messages.reached, 4) if messages.reached else None,
        human_clicks=counts.by_verdict.get("human", 0),
        suspect_clicks=counts.by_verdict.get("suspect", 0),
        bot_clicks=counts.by_verdict.get("bot", 0),
    )


async def _links(session: AsyncSession, scope: Scope, scope_id: UUID, asked: Window) -> list[LinkCount]:
    links = await links_of(session, scope, scope_id)
    counts = await count_links(session, [link.id for link in links], asked.question)
    return [_link(link, counts.get(link.id, Count(0, 0))) for link in links]


def _link(link: LinkOfText, count: Count) -> LinkCount:
    about = {name: getattr(link, name) for name in ("name", "url", "position", "step_key", "version")}
    return LinkCount(link_id=link.id, **about, **count._asdict())


def _steps(steps: list[dict[str, Any]], counts: EnrollmentCounts) -> list[StepCount]:
    """In the order of the current version, then steps that only older versions have. End steps are never entered."""
    kinds: dict[str, str | None] = {step["key"]: step["kind"] for step in steps if step["kind"] != "end"}
    kinds.update({key: None for key in counts.steps if key not in kinds})
    return [_step(key, kind, counts.steps.get(key, StepCounts())) for key, kind in kinds.items()]


def _step(key: str, kind: str | None, counts: StepCounts) -> StepCount:
    left = [StepLeft(outcome=leaving.outcome, branch=leaving.branch, visits=n) for leaving, n in counts.left.items()]
    return StepCount(step_key=key, kind=kind, entered=counts.entered, active=counts.active, left=left)

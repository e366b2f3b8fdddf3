"""Analytics of a campaign, a sequence and a link. `docs/analytics.md` says what each number means."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import Depends, Query
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from api.handling.request import OrganizationDep, SessionDep, area
from api.reports.clicks import VerdictQuery, VerdictWanted
from api.triggers.counts import ALL, TriggerCountView, trigger_counts
from models.campaigns.campaign import get_campaign
from models.clicks.click import Scope
from models.clicks.flood import count_flood
from models.clicks.verdict import Verdict
from models.organizations.time_zone import TimeZone
from models.reports.breakdowns import Breakdown, count_values
from models.reports.clicks import ClickCounts, ClickQuestion, Count, count_clicks, count_links
from models.reports.intervals import Interval, add_up
from models.reports.steps import EnrollmentCounts, StepCounts, count_enrollments, count_follow_ups
from models.reports.texts import LinkOfText, MessageCounts, contents_of, count_messages, get_link, links_of
from models.reports.triggers import count_campaign_triggers, count_sequence_triggers
from models.sequences.sequence import current_version, get_sequence
from models.sequences.steps.definition import SequenceDefinition
from models.sequences.steps.registry import Step
from models.texts.moment import Moment

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


class BrowserCount(Counted):
    browser: str | None = Field(description="null: not known.", examples=["Mobile Safari"])


class SystemCount(Counted):
    os: str | None = Field(description="null: not known.", examples=["iOS"])


class IntervalCount(Counted):
    at: datetime = Field(description="Its first moment, in the time zone that was asked for.")


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
    reports: dict[str, int] = Field(
        description="Messages by the highest of what their provider has reported.", examples=[{"delivered": 190, "bounced": 3}]
    )
    click_rate: float | None = Field(description="people / reached; null: nobody was reached.", examples=[0.3])
    human_clicks: int = Field(description="These three count always, whatever `verdict` asks for.", examples=[70])
    suspect_clicks: int = Field(examples=[0])
    bot_clicks: int = Field(examples=[5])
    flood_clicks: int = Field(
        description="Clicks that one network made on one link too often in a minute: counted here and nowhere else.", examples=[0]
    )


class Analytics(BaseModel):
    """`since` and `until` limit clicks and people by quarters of an hour; messages, enrollments and steps are never limited."""

    verdict: VerdictWanted
    since: datetime | None
    until: datetime | None
    interval: Interval
    time_zone: str
    totals: Totals
    countries: list[CountryCount]
    cities: list[CityCount] = Field(description=f"The {MOST_CITIES} with the most clicks.")
    cities_left_out: int = Field(description="How many cities more there are.")
    devices: list[DeviceCount]
    browsers: list[BrowserCount]
    systems: list[SystemCount]
    series: list[IntervalCount] = Field(description="In their order. Intervals without clicks are left out.")


class CampaignAnalytics(Analytics):
    campaign_id: UUID
    links: list[LinkCount]
    follow_ups: dict[str, int] = Field(description="Enrollments that the triggers made, by state.", examples=[{"completed": 60}])
    triggers: list[TriggerCountView] = Field(description="How often each fired and what its actions did, in their order.")


class StepLeft(BaseModel):
    outcome: str | None = Field(description="sent, skipped, failed, waited, clicked, timed_out, stopped, …", examples=["clicked"])
    branch: str | None = Field(description="Key of the step that came next; null: the sequence ended.", examples=["thanks"])
    step_runs: int = Field(examples=[60])


class StepCount(BaseModel):
    """Step runs of one step, over all versions: a step in a loop counts each time."""

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
    triggers: list[TriggerCountView] = Field(
        description="How often each fired and what its actions did: the first 200, of all versions together."
    )


class LinkAnalytics(Analytics):
    """`messages`, `recipients` and `reached` are those of the text in which the link stands."""

    link_id: UUID
    name: str | None
    url: str
    campaign_id: UUID | None
    sequence_id: UUID | None
    step_key: str | None
    version: int | None


class Window(BaseModel):
    """The question, as the answer repeats it."""

    verdict: VerdictWanted
    since: Moment | None
    until: Moment | None
    interval: Interval
    time_zone: str

    def question(self, scope: Scope, scope_id: UUID, link_id: UUID | None = None) -> ClickQuestion:
        return ClickQuestion(scope, scope_id, link_id, self.verdict.verdict, self.since, self.until)


def window(
    verdict: VerdictQuery = VerdictWanted.HUMAN,
    since: Annotated[Moment | None, Query(description="From the quarter of an hour of this moment on.")] = None,
    until: Annotated[Moment | None, Query(description="Only quarters of an hour that begin before.")] = None,
    interval: Annotated[Interval, Query(description="Of `series`.")] = "hour",
    time_zone: Annotated[TimeZone, Query(description="Whose days and hours `series` has: an IANA name.")] = "UTC",
) -> Window:
    return Window(verdict=verdict, since=since, until=until, interval=interval, time_zone=time_zone)


WindowDep = Annotated[Window, Depends(window)]


@router.get("/campaigns/{campaign_id}/analytics", summary="Read a campaign's numbers")
async def of_campaign(campaign_id: UUID, session: SessionDep, caller: OrganizationDep, asked: WindowDep) -> CampaignAnalytics:
    """The campaign's own message. What its follow-ups send is counted by their sequence."""
    await get_campaign(session, caller.id, campaign_id)
    question, contents = asked.question(Scope.CAMPAIGN, campaign_id), await contents_of(session, Scope.CAMPAIGN, campaign_id)
    return CampaignAnalytics(
        **await _common(session, question, asked, contents, one_each=True),
        campaign_id=campaign_id,
        links=await _links(session, question),
        follow_ups=await count_follow_ups(session, campaign_id),
        triggers=trigger_counts((await count_campaign_triggers(session, campaign_id, ALL))[0]),
    )


@router.get("/sequences/{sequence_id}/analytics", summary="Read a sequence's numbers")
async def of_sequence(sequence_id: UUID, session: SessionDep, caller: OrganizationDep, asked: WindowDep) -> SequenceAnalytics:
    """All published versions together; links are listed for each version."""
    sequence = await get_sequence(session, caller.id, sequence_id)
    version = await current_version(session, sequence)
    counts = await count_enrollments(session, sequence_id)
    question, contents = asked.question(Scope.SEQUENCE, sequence_id), await contents_of(session, Scope.SEQUENCE, sequence_id)
    return SequenceAnalytics(
        **await _common(session, question, asked, contents),
        sequence_id=sequence_id,
        links=await _links(session, question),
        enrollments=counts.by_state,
        outcomes=counts.outcomes,
        steps=_steps(SequenceDefinition.model_validate(version.definition).steps if version else (), counts),
        triggers=trigger_counts((await count_sequence_triggers(session, sequence_id, ALL))[0]),
    )


@router.get("/links/{link_id}/analytics", summary="Read a link's numbers")
async def of_link(link_id: UUID, session: SessionDep, caller: OrganizationDep, asked: WindowDep) -> LinkAnalytics:
    """One link of one message text: of a campaign, or of one step of one published version of a sequence."""
    link = await get_link(session, caller.id, link_id)
    about = {name: getattr(link, name) for name in ("name", "url", "campaign_id", "sequence_id", "step_key", "version")}
    question, one_each = asked.question(*link.scope, link_id), link.campaign_id is not None
    common = await _common(session, question, asked, [link.content_id], link.position, one_each)
    return LinkAnalytics(**common, link_id=link_id, **about)


async def _common(
    session: AsyncSession,
    question: ClickQuestion,
    asked: Window,
    content_ids: list[int],
    position: int | None = None,
    one_each: bool = False,
) -> dict[str, Any]:
    """`position` is that of the link that is asked about. With None, all links of these texts count. `one_each` says that a
    contact has at most one message of these texts."""
    flood = await count_flood(session, content_ids, position, asked.since, asked.until)
    counts, values = await count_clicks(session, question), await count_values(session, question)
    messages = await count_messages(session, content_ids, one_each)
    cities = [_city(value, count) for value, count in values["city"].items()]
    series = add_up(counts.buckets, asked.interval, asked.time_zone)
    return {
        **asked.model_dump(),
        "totals": _totals(counts, messages, flood),
        "countries": _keyed(CountryCount, "country", values["country"]),
        "cities": cities[:MOST_CITIES],
        "cities_left_out": max(len(cities) - MOST_CITIES, 0),
        "devices": _keyed(DeviceCount, "device_type", values["device_type"]),
        "browsers": _keyed(BrowserCount, "browser", values["browser"]),
        "systems": _keyed(SystemCount, "os", values["os"]),
        "series": [IntervalCount(at=at, **count._asdict()) for at, count in series],
    }


CountOf = TypeVar("CountOf", bound=Counted)


def _keyed(model: type[CountOf], name: str, counts: Breakdown) -> list[CountOf]:
    return [model.model_validate({name: value or None, **count._asdict()}) for value, count in counts.items()]


def _city(value: str, count: Count) -> CityCount:
    country, _, city = value.partition("/")
    return CityCount(country=country or None, city=city or None, **count._asdict())


def _totals(counts: ClickCounts, messages: MessageCounts, flood: int) -> Totals:
    return Totals(
        **counts.total._asdict(),
        recipients=messages.recipients,
        reached=messages.reached,
        messages=messages.by_state,
        reports=messages.by_report,
        click_rate=round(counts.total.people / messages.reached, 4) if messages.reached else None,
        human_clicks=counts.by_verdict.get(Verdict.HUMAN, 0),
        suspect_clicks=counts.by_verdict.get(Verdict.SUSPECT, 0),
        bot_clicks=counts.by_verdict.get(Verdict.BOT, 0),
        flood_clicks=flood,
    )


async def _links(session: AsyncSession, question: ClickQuestion) -> list[LinkCount]:
    links = await links_of(session, question.scope, question.scope_id)
    counts = await count_links(session, [link.id for link in links], question)
    return [_link(link, counts.get(link.id, Count(0, 0))) for link in links]


def _link(link: LinkOfText, count: Count) -> LinkCount:
    about = {name: getattr(link, name) for name in ("name", "url", "position", "step_key", "version")}
    return LinkCount(link_id=link.id, **about, **count._asdict())


def _steps(steps: Iterable[Step], counts: EnrollmentCounts) -> list[StepCount]:
    """Steps come in the order of the current version, then those that only older versions have. End steps are never entered."""
    kinds: dict[str, str | None] = {step.key: step.kind for step in steps if step.edges()}
    kinds.update({key: None for key in counts.steps if key not in kinds})
    return [_step(key, kind, counts.steps.get(key, StepCounts())) for key, kind in kinds.items()]


def _step(key: str, kind: str | None, counts: StepCounts) -> StepCount:
    left = [StepLeft(outcome=leaving.outcome, branch=leaving.branch, step_runs=n) for leaving, n in counts.left.items()]
    return StepCount(step_key=key, kind=kind, entered=counts.entered, active=counts.active, left=left)

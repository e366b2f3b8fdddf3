"""The benchmark of analytics: its clicks are recorded by the recording code, and its figures say what was lost and missed."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from bench import analytics
from bench.analytics import Asked, Figures
from bench.parts.campaign_clicks import Clicks, counter_rows, people_to_look_at, report_from_rows, send_campaign
from models.campaigns.campaign import Campaign
from models.channels.channel import channels_by_name
from models.database import Database
from models.organizations.organization import create_organization

CLICKS = 5_000
FAST = Figures(
    clicks=1_000_000,
    recorded=1_000_000,
    recording_seconds=200.0,
    early={name: Asked([20.0] * 100, {200: 100}) for name in ("report",)},
    late={
        name: Asked([25.0] * 100, {200: 100})
        for name in ("report", "links", "series", "conversation", "feed", "filtered", "filtered_whole")
    },
    raw_report_ms=9_000.0,
    counter_rows=40_000,
    first_rows=500_000,
)


async def test_every_click_is_recorded_once_and_in_the_order_of_its_time(database: Database) -> None:
    async with database.transaction() as session:
        organization, _ = await create_organization(session, "Benchmark")
        channel = (await channels_by_name(session, organization.id))["simulator-sms"]
        draft = Campaign(org_id=organization.id, name="Benchmark", channel_id=channel.id, message={}, audience={})
        session.add(draft)
        await session.flush()
        campaign = await send_campaign(session, organization.id, draft.id, CLICKS)
    coming = Clicks(database, campaign, CLICKS)
    assert [await coming.record(CLICKS // 10), await coming.record(CLICKS - CLICKS // 10)] == [CLICKS // 10, CLICKS * 9 // 10]
    async with database.transaction() as session:
        first, last, clicks = (await session.execute(text("SELECT min(clicked_at), max(clicked_at), count(*) FROM click"))).one()
        counters, firsts = await counter_rows(session)
        assert await report_from_rows(session, campaign.campaign_id)
        assert len(await people_to_look_at(session, campaign, 100)) == 100
    assert clicks == CLICKS
    assert timedelta(days=20) < last - first < timedelta(days=30)
    assert counters > 0 < firsts


def test_figures_within_the_goals_miss_nothing() -> None:
    found = analytics.figures(FAST)
    assert (found["lost"], found["unanswered"], found["missed"]) == (0, {}, [])
    assert (found["report_ms_p99"], found["growth"], found["counter_rows_per_click"]) == (25.0, 1.25, 0.04)


@pytest.mark.parametrize(("name", "missed"), [("report", ["report_ms_p99", "growth"]), ("feed", ["feed_ms_p99"])])
def test_what_is_slow_is_missed(name: str, missed: list[str]) -> None:
    slow = {**FAST.late, name: Asked([51.0] * 100, {200: 100})}
    assert analytics.figures(replace(FAST, late=slow))["missed"] == missed


def test_a_click_that_was_not_recorded_and_a_request_that_failed_are_said() -> None:
    failed = {**FAST.late, "feed": Asked([20.0] * 100, {200: 99, 500: 1})}
    found = analytics.figures(replace(FAST, recorded=999_999, late=failed))
    assert (found["lost"], found["unanswered"]) == (1, {"feed": {200: 99, 500: 1}})

"""Intervals in a time zone: local days add up to exactly the clicks that were made on them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.base import EPOCH
from models.clicks.recording import Metadata
from models.database import Database
from models.organizations.organization import Organization
from models.reports.clicks import BUCKET, Moment, begin_of, end_of
from models.reports.intervals import Interval, add_up, are_hours_enough
from tests.builders import Caller
from tests.rows import Rows, minutes

KATHMANDU = ZoneInfo("Asia/Kathmandu")
MIDNIGHT = datetime(2026, 11, 3, tzinfo=KATHMANDU)


@pytest.fixture
def rows(database: Database, organization: tuple[Organization, str]) -> Rows:
    return Rows(database, organization[0].id)


async def read(api: Caller, path: str, **params: str) -> dict[str, Any]:
    answer = await api.get(f"{path}/analytics", params=params)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_local_days_at_a_quarter_of_an_hour_of_utc_equal_the_rows(api: Caller, rows: Rows) -> None:
    """Midnight in Kathmandu is 18:15 UTC: whole hours of UTC would count the first clicks of a day on the day before."""
    campaign = await rows.campaign()
    second = timedelta(seconds=1)
    made = [MIDNIGHT - second, MIDNIGHT, MIDNIGHT + timedelta(minutes=20), MIDNIGHT + timedelta(days=1) - second]
    made += [MIDNIGHT + timedelta(days=1), MIDNIGHT + timedelta(days=2, minutes=3)]
    for at in made:
        message = await rows.message(campaign.content_id, await rows.contact())
        await rows.click(message, at=at)
    path = f"/campaigns/{campaign.id}"
    days: dict[str, int] = {}
    for at in made:
        day = f"{at.date().isoformat()}T00:00:00+05:45"
        days[day] = days.get(day, 0) + 1
    body = await read(api, path, interval="day", time_zone="Asia/Kathmandu")
    assert {each["at"]: each["clicks"] for each in body["series"]} == days
    assert sum(each["people"] for each in body["series"]) == body["totals"]["people"] == len(made)
    for day, clicks in days.items():
        since = datetime.fromisoformat(day)
        limits = {"since": day, "until": (since + timedelta(days=1)).isoformat()}
        found = await read(api, path, **limits)
        assert (found["totals"]["clicks"], found["totals"]["people"]) == (clicks, clicks)
        assert sum(each["clicks"] for each in found["countries"]) == clicks


async def test_what_is_no_zone_and_no_interval_is_refused(api: Caller, rows: Rows) -> None:
    campaign = await rows.campaign()
    for name, value in (("time_zone", "Nowhere/Land"), ("interval", "week")):
        answer = await api.get(f"/campaigns/{campaign.id}/analytics", params={name: value})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, name)


async def test_limits_at_the_ends_of_time_are_no_limits(api: Caller, rows: Rows) -> None:
    campaign = await rows.campaign()
    await rows.click(await rows.message(campaign.content_id, await rows.contact()))
    limits = {"since": "0001-01-01T00:00:00Z", "until": "9999-12-31T23:59:59.999999Z"}
    assert (await read(api, f"/campaigns/{campaign.id}", **limits))["totals"]["clicks"] == 1


SOME = {"since": "2026-11-03T12:05", "until": "2026-11-03T12:20"}


@pytest.mark.parametrize(
    ("params", "counted", "clicks"),
    [
        ({}, ("12:00", "12:30"), 3),
        ({"country": "DE"}, ("12:05", "12:20"), 1),
        ({"tag": "vip"}, ("12:05", "12:20"), 1),
    ],
)
async def test_counters_say_which_quarters_they_count_and_rows_count_the_very_time(
    api: Caller, rows: Rows, params: dict[str, str], counted: tuple[str, str], clicks: int
) -> None:
    campaign, ada = await rows.campaign(), await rows.contact(tags=["vip"])
    message = await rows.message(campaign.content_id, ada)
    for at in (4, 5, 20):
        await rows.click(message, at=minutes(at), metadata=Metadata("DE", "Berlin", "phone", "Safari", "iOS"))
    body = await read(api, f"/campaigns/{campaign.id}", **SOME, **params)
    assert (body["counted_since"], body["counted_until"]) == tuple(f"2026-11-03T{at}:00Z" for at in counted)
    assert body["totals"]["clicks"] == sum(each["clicks"] for each in body["countries"]) == clicks
    own = await read(api, f"/contacts/{ada.id}", **SOME)
    assert (own["totals"]["clicks"], own["counted_since"], own["counted_until"]) == (1, own["since"], own["until"])


async def test_a_time_at_the_ends_of_time_limits_nothing_and_needs_a_zone_that_can_show_it(api: Caller, rows: Rows) -> None:
    campaign = await rows.campaign()
    limits = {"since": "0001-01-01T00:00:00Z", "until": "9999-12-31T23:59:59Z"}
    body = await read(api, f"/campaigns/{campaign.id}", **limits, time_zone="UTC")
    assert (body["counted_since"], body["counted_until"]) == (None, None)
    for zone, field in (("America/New_York", "since"), ("Asia/Kathmandu", "until")):
        refused = await api.get(f"/campaigns/{campaign.id}/analytics", params={**limits, "time_zone": zone})
        assert (refused.status_code, [error["field"] for error in refused.json()["errors"]]) == (422, [field])


moments = st.integers(946_684_800, 2_208_988_800).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


@given(at=moments)
def test_a_moment_lies_in_the_quarter_of_an_hour_that_begins_at_or_before_it(at: datetime) -> None:
    begin, end = begin_of(at), end_of(at)
    assert begin is not None
    assert end is not None
    assert begin <= at <= end
    assert at - begin < BUCKET
    assert end - at < BUCKET
    assert (begin == end) == (at == begin)
    assert begin.minute % 15 == begin.second == begin.microsecond == 0


@given(
    starts=st.lists(moments, max_size=30),
    zone=st.sampled_from(["UTC", "Asia/Kathmandu", "Australia/Lord_Howe", "Europe/Berlin", "America/St_Johns", "Asia/Beirut"]),
    interval=st.sampled_from(["quarter_hour", "hour", "day"]),
)
def test_no_interval_loses_a_click_and_each_has_the_clicks_of_its_own_time(
    starts: list[datetime], zone: str, interval: Interval
) -> None:
    buckets = {begin_of(at) or at: Moment(2, 1) for at in sorted(starts)}
    found = [(at.astimezone(UTC), count) for at, count in add_up(buckets, interval, zone)]
    begins = [at for at, _ in found]
    assert sum(count.clicks for _, count in found) == 2 * len(buckets)
    assert sum(count.people for _, count in found) == len(buckets)
    assert begins == sorted(set(begins))
    for bucket in buckets:
        begin = max(at for at in begins if at <= bucket)
        if interval == "day":
            assert begin.astimezone(ZoneInfo(zone)).date() == bucket.astimezone(ZoneInfo(zone)).date()


@given(
    starts=st.lists(moments, max_size=30),
    zone=st.sampled_from(["UTC", "Asia/Kathmandu", "Australia/Lord_Howe", "Europe/Berlin", "America/Havana", "Asia/Beirut"]),
    interval=st.sampled_from(["quarter_hour", "hour", "day"]),
)
def test_where_hours_are_enough_they_add_up_as_quarters_do(starts: list[datetime], zone: str, interval: Interval) -> None:
    hour = timedelta(hours=1)
    quarters = {begin_of(at) or at: Moment(2, 1) for at in sorted(starts)}
    hours: dict[datetime, Moment] = {}
    for at in quarters:
        begin = EPOCH + (at - EPOCH) // hour * hour
        before = hours.get(begin, Moment(0, 0))
        hours[begin] = Moment(before.clicks + 2, before.people + 1)
    enough = interval != "quarter_hour" and zone not in {"Asia/Kathmandu", "Australia/Lord_Howe"}
    assert are_hours_enough(interval, zone) == enough
    if enough:
        assert add_up(hours, interval, zone) == add_up(quarters, interval, zone)


def test_an_hour_that_comes_twice_is_two_hours() -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # 02:30 summer time in Berlin, and an hour later 02:30 winter time
    found = add_up({first: Moment(1, 1), first + timedelta(hours=1): Moment(5, 0)}, "hour", "Europe/Berlin")
    assert [(at.isoformat(), count.clicks) for at, count in found] == [
        ("2026-10-25T02:00:00+02:00", 1),
        ("2026-10-25T02:00:00+01:00", 5),
    ]

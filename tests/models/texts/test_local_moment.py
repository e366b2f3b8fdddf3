"""Local times: each names one moment, also where clocks change."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from models.texts.local_moment import LocalMoment, in_utc

READ: TypeAdapter[datetime] = TypeAdapter(LocalMoment)
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Cairo", "America/Santiago"]


@pytest.mark.parametrize(
    ("written", "zone", "moment"),
    [
        ("2026-03-01", "Europe/Berlin", "2026-02-28T23:00:00Z"),
        ("2026-03-01T09:30", "Asia/Kathmandu", "2026-03-01T03:45:00Z"),
        ("2026-03-01T09:30:00Z", "Asia/Kathmandu", "2026-03-01T09:30:00Z"),
        ("2026-03-29T02:30", "Europe/Berlin", "2026-03-29T01:30:00Z"),  # is skipped: 03:30 is meant
        ("2026-10-25T02:30", "Europe/Berlin", "2026-10-25T00:30:00Z"),  # comes twice: the first one
        ("2026-10-25T02:30+01:00", "Europe/Berlin", "2026-10-25T01:30:00Z"),
        ("2026-09-06", "America/Santiago", "2026-09-06T04:00:00Z"),  # midnight is skipped: the day begins at 01:00
        ("2026-04-05T01:45", "Australia/Lord_Howe", "2026-04-04T14:45:00Z"),  # clocks go back by half an hour
    ],
)
def test_a_time_names_one_moment(written: str, zone: str, moment: str) -> None:
    assert in_utc(READ.validate_python(written), zone) == datetime.fromisoformat(moment)


@pytest.mark.parametrize("written", ["soon", "", "2026-13-01", "2026-02-30", "12:00", "1764331200", "2026-03-01T09:00:00 05:45"])
def test_what_is_no_time_is_refused(written: str) -> None:
    with pytest.raises(ValidationError):
        READ.validate_python(written)


@pytest.mark.parametrize(("written", "zone"), [("0001-01-01", "Asia/Kathmandu"), ("9999-12-31T23:00", "America/New_York")])
def test_a_time_that_nothing_can_count_with_is_refused(written: str, zone: str) -> None:
    with pytest.raises(ValueError, match="between the years"):
        in_utc(READ.validate_python(written), zone)


FIRST, LAST = datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59)  # noqa: DTZ001 - local times
EXTREME = st.one_of(
    st.datetimes(FIRST, FIRST + timedelta(days=2), timezones=st.sampled_from([None, UTC])),
    st.datetimes(LAST - timedelta(days=2), LAST, timezones=st.sampled_from([None, UTC])),
)


@given(st.sampled_from(sorted(available_timezones())), EXTREME)
@example("America/New_York", datetime(1, 1, 1, tzinfo=UTC))
@example("Europe/Berlin", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))
def test_a_time_at_the_ends_of_the_calendar_can_be_shown_or_is_refused(zone: str, value: datetime) -> None:
    try:
        moment = in_utc(value, zone)
    except ValueError as error:
        assert "between the years" in str(error)  # noqa: PT017 - both ends are right
    else:
        assert moment.astimezone(ZoneInfo(zone)) == moment


@given(st.sampled_from(ZONES), st.dates(date(2000, 1, 1), date(2037, 12, 30)))
def test_a_day_begins_with_the_first_moment_that_has_its_date(zone: str, day: date) -> None:
    begin = in_utc(READ.validate_python(day.isoformat()), zone)
    local = ZoneInfo(zone)
    assert begin.astimezone(local).date() == day
    assert (begin - timedelta(microseconds=1)).astimezone(local).date() < day
    assert begin.tzinfo == UTC


@given(st.sampled_from(ZONES), st.dates(date(2000, 1, 1), date(2037, 1, 1)), st.times())
def test_a_time_that_the_clocks_show_is_that_time(zone: str, day: date, time: time) -> None:
    shown = datetime.combine(day, time)
    moment = in_utc(shown, zone).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    assert moment == shown or timedelta(0) < moment - shown <= timedelta(hours=1)
